internal import Tensors

/// ggml's element types, from `ggml.h` and the type traits in `ggml.c`.
///
/// The file names a type by its number; here it gets the name and size that `ElementType` knows, or
/// the name of one that ggml has no more.
struct GGUFElementType {
  /// The number in the file.
  let id: Int32
  /// The type as the rest of the program knows it.
  let elementType: ElementType

  /// ggml's name.
  var name: String { elementType.name }

  /// Whether tensors of it have a size.
  var isKnown: Bool { elementType.ggmlID != nil }

  /// The type of that number; one without a size if there is none.
  init(id: Int32) {
    self.id = id
    elementType =
      UInt32(exactly: id).flatMap { ElementType(ggmlID: $0) }
      ?? .unknown(GGUFElementType.removed[id] ?? "GGML_\(id)")
  }

  /// The type of that name; nil if ggml has none, or has it no more.
  init?(name: String) {
    elementType = ElementType(name: name)
    guard let id = elementType.ggmlID else { return nil }
    self.id = Int32(id)
  }

  /// Types that ggml had once, by their numbers.
  private static let removed: [Int32: String] = [
    4: "Q4_2", 5: "Q4_3", 31: "Q4_0_4_4", 32: "Q4_0_4_8", 33: "Q4_0_8_8", 36: "IQ4_NL_4_4",
    37: "IQ4_NL_4_8", 38: "IQ4_NL_8_8",
  ]
}
