/// How two models differ, tensor by tensor.
public struct ModelDifference: Sendable, Equatable {
  /// A tensor that both models have.
  public struct Tensor: Sendable, Equatable {
    /// Its name.
    public let name: String
    /// ‖A - B‖ / ‖A‖ in the Frobenius norm; infinite if A is zero and B is not, NaN if a value of one
    /// is NaN, an infinite one meets its like, or bytes differ that are no numbers here.
    public let relativeError: Double
    /// The largest |a - b|, infinite or NaN for the same reasons.
    public let maxAbsolute: Double
    /// How each model stores it.
    public let types: Pair<String>

    /// Whether the models do not have the same values.
    public var differs: Bool { relativeError != 0 }
  }

  /// Something of the first model and its like of the second.
  public struct Pair<Value: Sendable & Equatable>: Sendable, Equatable {
    /// Of the first.
    public let a: Value
    /// Of the second.
    public let b: Value
  }

  /// A tensor of which the models do not agree on more than values.
  public struct Mismatch<Value: Sendable & Equatable>: Sendable, Equatable {
    /// Its name.
    public let name: String
    /// What each has.
    public let found: Pair<Value>
  }

  /// Tensors that both have in the same shape: no number first, then by falling error; equal ones in
  /// the order of the first model.
  public let tensors: [Tensor]
  /// Names of tensors that only the first model has, in its order.
  public let onlyInA: [String]
  /// Names of tensors that only the second model has, in its order.
  public let onlyInB: [String]
  /// Tensors of different shapes.
  public let differentShape: [Mismatch<[Int]>]
  /// Tensors of different types of which at least one cannot be computed with.
  public let notComparable: [Mismatch<String>]

  init(
    tensors: [Tensor],
    onlyInA: [String],
    onlyInB: [String],
    differentShape: [Mismatch<[Int]>],
    notComparable: [Mismatch<String>]
  ) {
    func weight(_ tensor: Tensor) -> Double {
      // Infinity is the worst of the numbers; what is none comes before it.
      tensor.relativeError.isNaN ? .infinity : tensor.relativeError
    }
    self.tensors = tensors.enumerated().sorted { first, second in
      let (a, b) = (first.element, second.element)
      if a.relativeError.isNaN != b.relativeError.isNaN { return a.relativeError.isNaN }
      if weight(a) != weight(b) { return weight(a) > weight(b) }
      return first.offset < second.offset
    }.map(\.element)
    self.onlyInA = onlyInA
    self.onlyInB = onlyInB
    self.differentShape = differentShape
    self.notComparable = notComparable
  }

  /// How many of ``tensors`` differ.
  public var differingCount: Int { tensors.count { $0.differs } }

  /// Whether the models are the same in names, shapes and values.
  public var isEmpty: Bool {
    differingCount == 0 && onlyInA.isEmpty && onlyInB.isEmpty && differentShape.isEmpty
      && notComparable.isEmpty
  }
}
