internal import Tensors

/// ggml's element types, from `ggml.h` and the type traits in `ggml.c`.
///
/// The file names a type by its number; here it gets the name and size that `ElementType` knows, or
/// the name of one that ggml has no more.
struct GGUFElementType {
  /// The number in the file.
  let id: Int32
  /// ggml's name.
  let name: String
  /// Elements of a block; 0 for a type that was removed from ggml.
  let blockElements: Int
  /// Bytes of a block.
  let blockBytes: Int

  /// The type as the rest of the program knows it.
  var elementType: ElementType { ElementType(name: name) }

  /// Whether tensors of it have a size.
  var isKnown: Bool { blockElements > 0 }

  private init(_ id: Int32, _ name: String, _ blockElements: Int, _ blockBytes: Int) {
    self.id = id
    self.name = name
    self.blockElements = blockElements
    self.blockBytes = blockBytes
  }

  /// The type of that number; one without a size if there is none.
  init(id: Int32) {
    if let type = UInt32(exactly: id).flatMap({ ElementType(ggmlID: $0) }) {
      self.init(id, type)
    } else {
      self.init(id, GGUFElementType.removed[id] ?? "GGML_\(id)", 0, 0)
    }
  }

  /// The type of that name; nil if ggml has none, or has it no more.
  init?(name: String) {
    let type = ElementType(name: name)
    guard let id = type.ggmlID else { return nil }
    self.init(Int32(id), type)
  }

  private init(_ id: Int32, _ type: ElementType) {
    let block = type.blockElements
    self.init(id, type.name, block, (try? type.byteCount(shape: [block])) ?? 0)
  }

  /// Why a shape does not go with a type.
  struct Misfit: Error {
    let reason: String
  }

  /// Bytes of a tensor of `shape`, outermost first; the type must have a size.
  func byteCount(shape: [Int]) throws(Misfit) -> Int {
    let elements = try GGUFElementType.elementCount(shape)
    let row = shape.last ?? 1
    guard row % blockElements == 0 else {
      throw Misfit(
        reason: "rows of \(row) elements are not a multiple of \(name)'s block of \(blockElements)"
      )
    }
    let (bytes, overflow) = (elements / blockElements).multipliedReportingOverflow(by: blockBytes)
    guard !overflow else {
      throw Misfit(reason: "\(elements) elements of \(name) have more bytes than can be counted")
    }
    return bytes
  }

  /// The product of a shape.
  static func elementCount(_ shape: [Int]) throws(Misfit) -> Int {
    do { return try ElementType.elementCount(shape) } catch {
      throw Misfit(reason: error.description)
    }
  }

  /// Types that ggml had once, by their numbers.
  private static let removed: [Int32: String] = [
    4: "Q4_2", 5: "Q4_3", 31: "Q4_0_4_4", 32: "Q4_0_4_8", 33: "Q4_0_8_8", 36: "IQ4_NL_4_4",
    37: "IQ4_NL_4_8", 38: "IQ4_NL_8_8",
  ]
}
