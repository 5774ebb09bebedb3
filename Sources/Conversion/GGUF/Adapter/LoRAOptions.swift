public import Checkpoint
public import Tensors

/// What `convert` is told of a LoRA adapter that gives back part of what a base lost.
public struct LoRAOptions: Sendable {
  /// The model that llama.cpp runs, a GGUF file.
  public var base: Checkpoint
  /// Rank of the products, r; less where a matrix has no more.
  public var rank: Int
  /// Element type of the factors.
  public var type: ElementType

  /// Types that llama.cpp multiplies by and that suit factors.
  public static let types: [ElementType] = [.f16, .bf16, .f32, .q8_0]

  /// Options; rank 32 and F16 if nothing else is asked for.
  public init(base: Checkpoint, rank: Int = 32, type: ElementType = .f16) {
    self.base = base
    self.rank = rank
    self.type = type
  }
}

/// What an adapter holds of the remainder: of what the source has and the base has not.
public struct LoRAReport: Sendable, Equatable {
  /// Rank of the products.
  public var rank: Int
  /// Sum of squares of the remainders of all matrices.
  public var squaredRemainder = 0.0
  /// Sum of squares of the products that are added.
  public var squaredProducts = 0.0

  /// The share of the remainder's squared norm that the adapter holds; nil if nothing was lost.
  public var share: Double? {
    squaredRemainder > 0 ? min(1, squaredProducts / squaredRemainder) : nil
  }
}
