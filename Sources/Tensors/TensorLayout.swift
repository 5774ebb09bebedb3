/// A tensor to be written.
public struct TensorLayout: Sendable, Equatable {
  /// Its name.
  public var name: String
  /// How its elements are stored.
  public var type: ElementType
  /// Sizes, outermost axis first.
  public var shape: [Int]

  /// Describes a tensor to be written.
  public init(name: String, type: ElementType, shape: [Int]) {
    self.name = name
    self.type = type
    self.shape = shape
  }
}
