internal import Tensors

/// ggml's element types, from `ggml.h` and the type traits in `ggml.c`.
///
/// The file names a type by its number; here it gets ggml's name, by which `ElementType` knows it,
/// and its size.
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
    self = GGUFElementType.byID[id] ?? GGUFElementType(id, "GGML_\(id)", 0, 0)
  }

  /// The type of that name; nil if ggml has none, or has it no more.
  init?(name: String) {
    guard let type = GGUFElementType.byName[name], type.isKnown else { return nil }
    self = type
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

  private static let table: [GGUFElementType] = [
    .init(0, "F32", 1, 4), .init(1, "F16", 1, 2), .init(2, "Q4_0", 32, 18),
    .init(3, "Q4_1", 32, 20), .init(4, "Q4_2", 0, 0), .init(5, "Q4_3", 0, 0),
    .init(6, "Q5_0", 32, 22), .init(7, "Q5_1", 32, 24), .init(8, "Q8_0", 32, 34),
    .init(9, "Q8_1", 32, 36), .init(10, "Q2_K", 256, 84), .init(11, "Q3_K", 256, 110),
    .init(12, "Q4_K", 256, 144), .init(13, "Q5_K", 256, 176), .init(14, "Q6_K", 256, 210),
    .init(15, "Q8_K", 256, 292), .init(16, "IQ2_XXS", 256, 66), .init(17, "IQ2_XS", 256, 74),
    .init(18, "IQ3_XXS", 256, 98), .init(19, "IQ1_S", 256, 50), .init(20, "IQ4_NL", 32, 18),
    .init(21, "IQ3_S", 256, 110), .init(22, "IQ2_S", 256, 82), .init(23, "IQ4_XS", 256, 136),
    .init(24, "I8", 1, 1), .init(25, "I16", 1, 2), .init(26, "I32", 1, 4), .init(27, "I64", 1, 8),
    .init(28, "F64", 1, 8), .init(29, "IQ1_M", 256, 56), .init(30, "BF16", 1, 2),
    .init(31, "Q4_0_4_4", 0, 0), .init(32, "Q4_0_4_8", 0, 0), .init(33, "Q4_0_8_8", 0, 0),
    .init(34, "TQ1_0", 256, 54), .init(35, "TQ2_0", 256, 66), .init(36, "IQ4_NL_4_4", 0, 0),
    .init(37, "IQ4_NL_4_8", 0, 0), .init(38, "IQ4_NL_8_8", 0, 0), .init(39, "MXFP4", 32, 17),
    .init(40, "NVFP4", 64, 36), .init(41, "Q1_0", 128, 18), .init(42, "Q2_0", 64, 18),
  ]
  private static let byID = Dictionary(uniqueKeysWithValues: table.map { ($0.id, $0) })
  private static let byName = Dictionary(uniqueKeysWithValues: table.map { ($0.name, $0) })
}
