internal import ArgumentParser
internal import Conversion
internal import GGUF
internal import SystemPackage

/// `moepack edit`.
struct EditCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "edit",
    abstract: "Change the metadata of a GGUF model.",
    discussion: """
      The model is written anew with its keys set, removed or renamed; its tensors are copied byte \
      for byte, in constant memory. Without a change it is still laid out as llama.cpp wants it. A \
      key keeps the type its value has; a new one needs its type, one of u8 i8 u16 i16 u32 i32 u64 \
      i64 f32 f64 bool str, or one of them in brackets for an array, whose value is a JSON list:
        --set general.name='A name' --set 'llama.expert_used_count:u32=4'
        --set 'general.tags:[str]=["moe", "pruned"]'
      general.alignment lays the data out anew. How the model is split is not a key to edit: \
      without --split-max-size or --split-max-tensors the output is one file. An interrupted run \
      leaves nothing behind and cannot be gone on with.
      """
  )

  @OptionGroup var input: GGUFArgument
  @OptionGroup var destination: OutputOptions
  @OptionGroup var common: CommonOptions

  @Option(
    help: ArgumentHelp(
      "Give a key a value; repeatable. KEY:TYPE=VALUE for a new key or another type.",
      valueName: "key=value"
    )
  )
  var set: [String] = []

  @Option(help: ArgumentHelp("Remove a key; repeatable.", valueName: "key"))
  var remove: [String] = []

  @Option(
    help: ArgumentHelp("Rename a key, which keeps its value; repeatable.", valueName: "old=new")
  )
  var rename: [String] = []

  @Option(
    help: ArgumentHelp("Set the chat template to the text of a file.", valueName: "file"),
    completion: .file()
  )
  var chatTemplate: String?

  @OptionGroup var split: SplitLimitOptions

  @Flag(help: "Say what would be written, and write nothing.")
  var dryRun = false

  func validate() throws {
    try destination.requireGGUFName()
    do {
      // The file is not looked at yet, but its key may not be named elsewhere.
      _ = try edits(template: chatTemplate.map { _ in .string("") })
    } catch let error as GGUFEditError { throw ValidationError(error.description) }
  }

  func run() throws {
    let edits = try edits(template: chatTemplate.map { try ChatTemplateFile.read(FilePath($0)) })
    let rewriting = GGUFRewriting(
      command: "edit",
      destination: destination,
      common: common,
      isDryRun: dryRun
    )
    let source = try input.open()
    let (metadata, changes) = try edits.apply(to: source.metadata, of: source.files[0].path)
    for case (let key, .set(let from?, let to)) in changes.map({ ($0.key, $0.kind) })
    where key == "general.architecture" && from != to {
      Console.warn(
        "\(source.files[0].path): the architecture was '\(from.string ?? "")'; its own keys,"
          + " '\(from.string ?? "").*', keep their names"
      )
    }
    try rewriting.run(source, metadata: metadata, limits: split.limits(), changes: changes)
  }

  /// The changes that were typed.
  private func edits(template: GGUFValue?) throws -> GGUFMetadataEdits {
    var edits = GGUFMetadataEdits()
    for text in set {
      let (left, value) = try EditCommand.halves(text, of: "--set", as: "KEY=VALUE")
      // The type is what stands behind the last colon, if that is a type.
      let colon = left.lastIndex(of: ":")
      guard let colon else {
        try edits.set(left, to: value)
        continue
      }
      let name = String(left[left.index(after: colon)...])
      guard let type = GGUFTypeName(name) else {
        throw ValidationError(
          "--set \(left): '\(name)' is no type; the types are"
            + " \(GGUFTypeName.names.joined(separator: " ")), in brackets for an array"
        )
      }
      try edits.set(String(left[..<colon]), to: value, type: type)
    }
    for key in remove { try edits.remove(key) }
    for text in rename {
      let (old, new) = try EditCommand.halves(text, of: "--rename", as: "OLD=NEW")
      try edits.rename(old, to: new)
    }
    if let template { try edits.set(ChatTemplateFile.key, to: template) }
    return edits
  }

  private static func halves(_ text: String, of option: String, as form: String) throws
    -> (String, String)
  {
    guard let equals = text.firstIndex(of: "=") else {
      throw ValidationError("\(option) takes \(form), not '\(text)'")
    }
    return (String(text[..<equals]), String(text[text.index(after: equals)...]))
  }
}
