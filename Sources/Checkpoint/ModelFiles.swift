internal import Pack
internal import Storage
internal import SystemPackage

/// The small files that make a checkpoint usable: configuration, tokenizer, templates, licences.
public struct ModelFiles {
  /// Their names, ascending.
  public let names: [String]

  /// Looks for them in `checkpoint`.
  public init(_ checkpoint: Checkpoint) throws {
    let all: [String]
    switch (checkpoint.location, checkpoint.format) {
    case _ where checkpoint.ggufContents != nil: all = try checkpoint.madeFiles()
    case (.directory(let folder), _):
      all =
        try FileSystem.names(in: folder).filter {
          FileSystem.kind(folder.appending($0)) == .file
        } + checkpoint.names(in: ModelFiles.templates).map { "\(ModelFiles.templates)/\($0)" }
    case (_, .pack(let pack)): all = pack.files.filter { $0.kind == .plain }.map(\.path)
    default: all = []
    }
    names = all.filter(ModelFiles.isWanted).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  /// The folder of chat templates beside the first.
  private static let templates = "additional_chat_templates"

  private static func isWanted(_ name: String) -> Bool {
    let known: Set<String> = [
      "config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json",
      "tokenizer.model", "special_tokens_map.json", "added_tokens.json", "vocab.json", "vocab.txt",
      "merges.txt", "chat_template.jinja", "chat_template.json",
    ]
    let upper = name.uppercased()
    return known.contains(name) || name.hasSuffix(".tiktoken") || name.hasSuffix(".jinja")
      || ["README", "LICENSE", "LICENCE", "NOTICE", "COPYING", "USE_POLICY"].contains {
        upper.hasPrefix($0)
      }
  }
}
