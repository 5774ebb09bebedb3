/// A reason a tensor's shape, type or values cannot be used.
public enum TensorError: Error, Equatable, CustomStringConvertible {
  /// The type's size is not known.
  case unknownType(name: String)
  /// The type has no way to Float32 here.
  case notComputable(type: ElementType)
  /// The type has no way from Float32 here.
  case notEncodable(type: ElementType)
  /// A product of the shape, or of it and the type's bits, does not fit 63 bits.
  case tooLarge(shape: [Int])
  /// The innermost axis is not a whole number of blocks.
  case rowNotInBlocks(type: ElementType, row: Int)
  /// Elements of less than a byte do not fill the last byte.
  case partialByte(type: ElementType, shape: [Int])

  /// What is wrong.
  public var description: String {
    switch self {
    case .unknownType(let name): "element type \(name) is not known to this version"
    case .notComputable(let type):
      "element type \(type.name) cannot be computed with: it is no float, and no block type that"
        + " this version reads"
    case .notEncodable(let type):
      "values cannot be stored as \(type.name); \(TensorError.encodable) can be written"
    case .tooLarge(let shape): "shape \(shape) has more elements or bits than can be counted"
    case .rowNotInBlocks(let type, let row):
      "rows of \(row) elements are not a multiple of \(type.name)'s block of \(type.blockElements)"
    case .partialByte(let type, let shape):
      "\(type.name) elements of shape \(shape) do not end on a byte"
    }
  }

  private static var encodable: String {
    ElementType.known.filter(\.isEncodable).map(\.name).joined(separator: ", ")
  }
}
