import Fixtures
import JSON
import Testing

/// `tokenize`: ids, documents, streams, and back.
@Suite struct TokenizeCommandTests {
  let scratch: ScratchFolder

  init() throws { scratch = try ScratchFolder() }

  static let text = "Hello  world,\n\tnaïve café 😀 12345!\r\n"

  private func json(_ model: String, _ options: String...) throws -> JSONValue {
    let run = try Moepack.run(["tokenize", model, "--json"] + options)
    #expect(run.status == 0, "\(run.complaint)")
    return try JSONValue(parsing: run.output)
  }

  @Test(
    "text gives ids without bos and eos, and comes back",
    arguments: [Sample.micro, Sample.mixtral]
  )
  func roundTrip(model: String) throws {
    let file = try scratch.write("a.txt", TokenizeCommandTests.text)
    let ids = try #require(try json(model, "--text", file)["ids"]?.integers)
    #expect(!ids.isEmpty)
    let list = try scratch.write("ids.json", "\(ids)")
    let back = try json(model, "--ids", list, "--decode")
    #expect(back["text"]?.string == TokenizeCommandTests.text)
  }

  @Test("a .jsonl gives documents, --stream the flat stream with bos and eos")
  func documents() throws {
    let file = try scratch.write("a.jsonl", "{\"text\": \"one two\"}\n{\"text\": \"three\"}\n")
    let documents = try #require(
      try json(Sample.mixtral, "--text", file)["documents"]?.array?.map(\.integers)
    )
    #expect(documents.count == 2)
    let stream = try json(Sample.mixtral, "--text", file, "--stream")["ids"]?.integers
    #expect(stream == documents.flatMap { [1] + $0 + [2] })
    let one = try scratch.write("one.txt", "one two")
    #expect(try json(Sample.mixtral, "--text", one)["ids"]?.integers == documents[0])
  }

  @Test("empty text gives no ids")
  func empty() throws {
    let txt = try scratch.write("a.txt", "")
    #expect(try json(Sample.micro, "--text", txt)["ids"]?.array?.isEmpty == true)
    let jsonl = try scratch.write("a.jsonl", "")
    #expect(try json(Sample.micro, "--text", jsonl)["documents"]?.array?.isEmpty == true)
    #expect(try json(Sample.micro, "--text", jsonl, "--stream")["ids"]?.array?.isEmpty == true)
    let none = try scratch.write("ids.json", "[]")
    #expect(try json(Sample.micro, "--ids", none, "--decode")["text"] == "")
  }

  @Test("without --json the ids are words on a line")
  func plain() throws {
    let file = try scratch.write("a.txt", "one two three")
    let ids = try #require(try json(Sample.micro, "--text", file)["ids"]?.integers)
    let run = try Moepack.succeed("tokenize", Sample.micro, "--text", file)
    #expect(run.text == ids.map(String.init).joined(separator: " ") + "\n")
  }

  @Test("a pack brings its tokenizer with it")
  func fromPack() throws {
    let file = try scratch.write("a.txt", TokenizeCommandTests.text)
    let pack = try Compressed.pack()
    #expect(try json(pack, "--text", file) == json(Sample.micro, "--text", file))
  }

  @Test("ids outside the vocabulary are refused when decoded")
  func foreignIDs() throws {
    let list = try scratch.write("ids.json", "[1, 4000]")
    try Moepack.fail(1, saying: ["4000"], ["tokenize", Sample.micro, "--ids", list, "--decode"])
  }

  @Test("a model without tokenizer.json is refused")
  func noTokenizer() throws {
    let file = try scratch.write("a.txt", "x")
    try Moepack.fail(
      1,
      saying: ["tokenizer.json"],
      ["tokenize", "\(Sample.micro)/model.safetensors", "--text", file]
    )
  }
}
