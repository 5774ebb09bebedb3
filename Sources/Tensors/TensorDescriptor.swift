/// What a file says of one tensor, without its values.
public struct TensorDescriptor: Sendable, Equatable {
  /// The tensor's name.
  public var name: String
  /// How its elements are stored.
  public var type: ElementType
  /// Sizes, outermost axis first.
  public var shape: [Int]
  /// Which of the source's files holds it.
  public var fileIndex: Int
  /// Its place in that file; for packed tensors the range of its stored chunks.
  public var fileRange: Range<Int>
  /// Its size in memory, decoded.
  public var byteCount: Int

  /// Describes a tensor.
  public init(
    name: String,
    type: ElementType,
    shape: [Int],
    fileIndex: Int,
    fileRange: Range<Int>,
    byteCount: Int
  ) {
    self.name = name
    self.type = type
    self.shape = shape
    self.fileIndex = fileIndex
    self.fileRange = fileRange
    self.byteCount = byteCount
  }

  /// Number of elements; sizes were checked when the file was opened.
  public var elementCount: Int { shape.reduce(1, *) }
}
