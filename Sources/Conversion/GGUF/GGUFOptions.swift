internal import Checkpoint
public import GGUF
public import ImportanceMatrix
public import Tensors

/// What `convert` is told of a GGUF output.
public struct GGUFOptions: Sendable {
  /// What to quantise to; nil keeps every type.
  public var fileType: GGUFFileType?
  /// Types for the tensors whose names match.
  public var overrides: [(matches: @Sendable (String) -> Bool, type: ElementType)] = []
  /// How much errors count; nil where all count the same.
  public var importance: ImportanceMatrix?
  /// When to begin another split.
  public var limits = GGUFShardPlan.Limits()
  /// The name of the pre-tokenizer; nil to find it out.
  public var preTokenizer: String?
  /// A file whose tokenizer is taken.
  public var tokenizerDonor: GGUFCollection?
  /// Whether the output has no tokenizer.
  public var hasNoTokenizer = false

  /// Whether experts stay factors, in a file of an architecture of our own.
  public var isFactored = false
  /// What is written in place of the model: an adapter for a base that lost something; nil for the
  /// model itself.
  public var adapter: LoRAOptions?

  /// Which tensors that have no role in their family, and no name in GGUF, are left out; nil for none.
  public var isIgnored: (@Sendable (String) -> Bool)?

  /// Whether nothing of the model changes.
  var asksForNoChange: Bool {
    fileType == nil && overrides.isEmpty && preTokenizer == nil && tokenizerDonor == nil
      && !hasNoTokenizer && !isFactored && adapter == nil && isIgnored == nil
  }

  /// The tensors of a model that are left out.
  ///
  /// - Throws: `CheckpointError` for a family that is not known: there no tensor has a role.
  func leftOut(of source: Checkpoint) throws -> [FolderInventory.LeftOut] {
    guard let isIgnored else { return [] }
    _ = try source.requireConfiguration()
    return source.fileTensors.indices.compactMap { index in
      let tensor = source.fileTensors[index]
      guard source.filePlaces[index].role == .other, isIgnored(tensor.name) else { return nil }
      return FolderInventory.LeftOut(
        path: tensor.name,
        byteCount: tensor.byteCount,
        reason: "no role in this family"
      )
    }
  }

  /// Nothing out of the ordinary.
  public init() {}
}
