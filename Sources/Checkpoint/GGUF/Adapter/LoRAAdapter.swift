internal import GGUF
public import SystemPackage
internal import Tensors

/// A LoRA adapter as llama.cpp takes it: for some matrices of routed experts a product of two thin
/// ones, which is added to them.
///
/// Source: llama.cpp's `src/llama-adapter.cpp`, `llama_adapter_lora_init_impl` (what is refused), and
/// `llama-graph.cpp`, `build_lora_mm_id` (what is computed): W x + scale · B (A x), with the scale
/// alpha / r of each pair, or 1 where alpha is 0 or absent. llama.cpp does not check how many experts
/// a pair has; here it is checked.
public final class LoRAAdapter: Sendable {
  /// The file.
  public let path: FilePath
  /// Its values, by the tensors of ``LoRACorrection``.
  public let values: TensorValues

  private let corrections: [Key: LoRACorrection]

  /// Which stack of matrices.
  private struct Key: Hashable {
    var layer: Int
    var projection: Projection
  }

  /// The base, as far as an adapter must fit it.
  struct Base {
    /// Its place, for messages.
    var path: FilePath
    /// Its family.
    var family: any Architecture
    /// Its sizes.
    var configuration: ModelConfiguration
    /// Experts in each layer that has any.
    var experts: [Int: Int]
    /// Names of its tensors, if it is a GGUF file.
    var tensorNames: Set<String>?
  }

  /// Opens an adapter and checks that it fits a base.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - base: The model it is added to.
  /// - Throws: `GGUFError` for a broken file, ``CheckpointError/unsupported(path:reason:)`` for one
  ///   that is no adapter of routed experts or does not fit.
  init(_ path: FilePath, for base: Base) throws {
    self.path = path
    let collection = try GGUFCollection(path)
    try collection.requireReadable()
    values = TensorValues(collection, path: path)
    let check = LoRAAdapterCheck(path: path, base: base)
    let alpha = try check.alpha(collection.metadata)
    var corrections: [Key: LoRACorrection] = [:]
    for pair in try check.pairs(collection.tensors) {
      for correction in try check.corrections(of: pair, in: collection.tensors, alpha: alpha) {
        let key = Key(layer: pair.layer, projection: correction.projection)
        guard corrections.updateValue(correction, forKey: key) == nil else {
          throw check.refusal(
            "it changes the \(correction.projection.rawValue) matrices of layer \(pair.layer) twice,"
              + " alone and together with others; llama.cpp would use one of them only"
          )
        }
      }
    }
    self.corrections = corrections
  }

  /// What is added to the matrices of a layer's experts; nil where nothing is.
  public func correction(layer: Int, _ projection: Projection) -> LoRACorrection? {
    corrections[Key(layer: layer, projection: projection)]
  }

  /// The largest rank of any pair.
  public var largestRank: Int { corrections.values.reduce(0) { max($0, $1.rank) } }
}

/// The products that are added to the matrices of one layer's experts: W_e + scale · B_e A_e, with
/// A_e [r, n] and B_e [m, r].
public struct LoRACorrection: Sendable {
  /// Which of the experts' matrices.
  public var projection: Projection
  /// The tensor that holds A [E, r, n].
  public var a: Int
  /// The tensor that holds B [E, m, r], or for gate and up together [E, 2m, r].
  public var b: Int
  /// r.
  public var rank: Int
  /// Factor of the product.
  public var scale: Float
  /// Bytes of one expert in `a` and in `b`.
  public var stride: (a: Int, b: Int)
  /// Bytes in front of the first row inside an expert's B.
  public var rowOffset: Int
}
