public import GGUF
internal import Pack
public import SystemPackage
public import Tensors

/// What a GGUF file says, wherever it is kept: in files of its own, or in a pack.
public struct GGUFContents: Sendable {
  /// Its keys; those that say how it was split are left out.
  public let metadata: GGUFMetadata
  /// Its tensors, experts stacked, under their own names.
  public let source: any TensorSource
  /// The file, or the pack.
  public let path: FilePath

  /// Whether it has a tokenizer.
  public var hasTokenizer: Bool { metadata["tokenizer.ggml.tokens"]?.array != nil }

  /// An opened file or a set of splits.
  init(_ collection: GGUFCollection) {
    metadata = collection.metadata
    source = collection
    path = collection.files[0].path
  }

  /// A GGUF file in a pack; nil if the pack holds none.
  init?(_ pack: PackReader) throws {
    guard let file = pack.files.first(where: { $0.kind == .gguf }) else { return nil }
    let header = try GGUFHeader(
      text: try pack.contents(of: file),
      file: FilePath("\(pack.path): \(file.path)")
    )
    metadata = header.metadata
    source = pack
    path = pack.path
  }
}
