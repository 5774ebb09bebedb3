internal import ArgumentParser
internal import Checkpoint
internal import Evaluation
internal import JSON
internal import SystemPackage
internal import Tokenization

/// `moepack tokenize`.
struct TokenizeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tokenize",
    abstract: "Show the ids a model's own tokenizer gives a text.",
    discussion: """
      Ids are those of the text alone, without bos and eos. --stream gives the flat stream that \
      evaluate reads, with both; --decode turns ids back into text.
      """
  )

  @OptionGroup var input: ModelArgument
  @OptionGroup var common: CommonOptions

  @Option(
    help: ArgumentHelp("Text: .txt, or .jsonl with 'text' per line.", valueName: "file"),
    completion: .file(extensions: ["txt", "jsonl"])
  )
  var text: String?

  @Option(
    help: ArgumentHelp("Token ids to decode: a JSON list.", valueName: "file"),
    completion: .file(extensions: ["json"])
  )
  var ids: String?

  @Flag(help: "One stream of all documents with bos and eos, as evaluate reads it.")
  var stream = false

  @Flag(help: "Turn the ids of --ids back into text.")
  var decode = false

  func validate() throws {
    try TextOptions.requireOne(text: text, ids: ids)
    if decode, ids == nil { throw ValidationError("--decode needs --ids FILE") }
    if ids != nil, !decode { throw ValidationError("--ids goes with --decode") }
    if decode, stream { throw ValidationError("--stream cannot apply to --decode") }
  }

  func run() throws {
    let model = try ModelTokenizer(try input.open())
    if let ids {
      let decoded = try model.tokenizer.decode(try TextSource.ids(in: FilePath(ids)))
      common.json ? Console.print(["text": .string(decoded)]) : Console.print(decoded)
      return
    }
    guard let text else { return }
    let documents = try TextSource.file(FilePath(text)).documents()
    var json = JSONObject()
    if stream {
      json["ids"] = list(try TokenStream.flat(documents, model))
    } else if text.hasSuffix(".jsonl") {
      json["documents"] = .array(try documents.map { list(try model.tokenizer.encode($0)) })
    } else {
      json["ids"] = list(try model.tokenizer.encode(documents[0]))
    }
    if common.json {
      Console.print(JSONValue.object(json).text(pretty: false))
      return
    }
    for line in json["documents"]?.array ?? [json["ids"] ?? []] {
      Console.print((line.array ?? []).map { "\($0.integer ?? 0)" }.joined(separator: " "))
    }
  }

  private func list(_ ids: [Int32]) -> JSONValue { .array(ids.map { JSONValue(Int($0)) }) }
}
