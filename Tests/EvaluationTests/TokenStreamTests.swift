import Checkpoint
import Fixtures
import SystemPackage
import Testing
import Tokenization

@testable import Evaluation

/// The windows that evaluation and calibration read.
@Suite struct TokenStreamTests {
  let scratch: ScratchFolder
  let micro: Checkpoint
  let mixtral: Checkpoint

  init() throws {
    scratch = try ScratchFolder()
    micro = try Checkpoint(Sample.micro)
    mixtral = try Checkpoint(Fixtures.path("models/tiny-mixtral"))
  }

  @Test("each document gets the tokens the model's configuration names")
  func framing() throws {
    let documents = ["Hello world", "", "x"].map { Array($0.utf8) }
    for checkpoint in [micro, mixtral] {
      let model = try ModelTokenizer(checkpoint)
      var expected: [Int32] = []
      for document in documents {
        expected += model.bos.map { [$0] } ?? []
        expected += try model.tokenizer.encode(document)
        expected += model.eos.map { [$0] } ?? []
      }
      #expect(try TokenStream.flat(documents, model) == expected)
    }
    #expect(try ModelTokenizer(micro).bos == nil)
    #expect(try ModelTokenizer(micro).eos == 0)
    #expect(try ModelTokenizer(mixtral).bos == 1)
    #expect(try ModelTokenizer(mixtral).eos == 2)
  }

  @Test("ids are taken as they are, without bos and eos, and have no text's name")
  func idsAreBare() throws {
    let path = FilePath(try scratch.write("ids.json", "\(Array(5..<25))"))
    let stream = try TokenStream(.ids(path), for: mixtral, context: 6, limit: nil)
    #expect(stream.ids == Array(5..<23))
    #expect(stream.windowCount == 3)
    #expect(stream.text == nil && stream.bos == nil && stream.eos == nil)
  }

  @Test("ids need no tokenizer, text does")
  func tokenizerIsNeededForText() throws {
    try scratch.makeFolder("bare")
    for name in ["config.json", "model.safetensors"] {
      try scratch.write("bare/\(name)", try ScratchFolder.bytes(of: "\(Sample.micro)/\(name)"))
    }
    let bare = try Checkpoint(scratch("bare"))
    let path = FilePath(try scratch.write("ids.json", "[1, 2, 3, 4]"))
    #expect(try TokenStream(.ids(path), for: bare, context: 2, limit: nil).ids == [1, 2, 3, 4])
    #expect(throws: EvaluationError.noTokenizer(model: scratch("bare"))) {
      try Sample.stream(for: bare)
    }
  }

  @Test(
    "the first tokens asked for are taken, rounded down to whole windows",
    arguments: [(100, 96), (96, 96), (95, 64), (32, 32), (33, 32)]
  )
  func limitIsRoundedDown(limit: Int, taken: Int) throws {
    let all = try Sample.stream(for: micro, context: 32, limit: nil)
    let some = try Sample.stream(for: micro, context: 32, limit: limit)
    #expect(some.ids == Array(all.ids.prefix(taken)))
    #expect(some.shortfall == nil)
    #expect(all.ids.count % 32 == 0 && all.shortfall == nil)
  }

  @Test("a text with fewer tokens than asked for is used whole, and says so")
  func shortfall() throws {
    let path = FilePath(try scratch.write("ids.json", "\(Array(0..<70))"))
    let stream = try TokenStream(.ids(path), for: micro, context: 32, limit: 1000)
    #expect(stream.ids == Array(0..<64))
    #expect(stream.shortfall == 70)
    #expect(try TokenStream(.ids(path), for: micro, context: 32, limit: 70).shortfall == nil)
  }

  @Test("a text shorter than a window is refused with both numbers")
  func tooShort() throws {
    let text = try scratch.write("a.txt", "a b c")
    let count = try TokenStream(.file(FilePath(text)), for: micro, context: 1, limit: nil).ids.count
    #expect(throws: EvaluationError.tooShort(source: text, tokens: count, context: 512)) {
      try TokenStream(.file(FilePath(text)), for: micro, context: 512, limit: nil)
    }
    let error = EvaluationError.tooShort(source: text, tokens: count, context: 512)
    #expect(error.description.contains("\(count) tokens"))
    #expect(error.description.contains("512"))
    let path = FilePath(try scratch.write("ids.json", "[1, 2, 3]"))
    #expect(throws: EvaluationError.self) {
      try TokenStream(.ids(path), for: micro, context: 4, limit: nil)
    }
    #expect(throws: EvaluationError.self) {
      try TokenStream(.ids(path), for: micro, context: 3, limit: 2)
    }
  }

  @Test("empty text is refused where a window is needed")
  func emptyText() throws {
    for name in ["a.jsonl", "b.jsonl"] {
      let path = FilePath(try scratch.write(name, name == "a.jsonl" ? "" : "\n\n"))
      #expect(throws: EvaluationError.tooShort(source: path.string, tokens: 0, context: 1)) {
        try TokenStream(.file(path), for: micro, context: 1, limit: nil)
      }
    }
  }

  @Test("a context of 1 scores nothing, and still saves logits and hidden states")
  func contextOne() throws {
    let stream = try Sample.stream(for: micro, context: 1, limit: 5)
    #expect(stream.windowCount == 5)
    var evaluator = Evaluator(threads: 1)
    evaluator.logitsPath = FilePath(scratch("logits.safetensors"))
    evaluator.hiddenPath = FilePath(scratch("hidden.safetensors"))
    let result = try evaluator.evaluate(micro, stream, against: .model(micro))
    #expect(result.perplexity == nil && result.scoredTokens == 0 && result.windows == 5)
    #expect(result.against?.meanKL == nil && result.against?.top1Agreement == nil)
    #expect(try Sample.logits(in: scratch("logits.safetensors")).count == 5)
    #expect(try ScratchFolder.bytes(of: scratch("hidden.safetensors")).count > 5 * 5 * 96 * 4)
  }

  @Test("the fingerprint names ids and context, and nothing else")
  func fingerprint() throws {
    let ids = FilePath(try scratch.write("ids.json", "[1, 2, 3, 4, 5, 6, 7, 8]"))
    let copy = FilePath(try scratch.write("copy.json", " [1,2,3,4,5,6,7,8] "))
    let other = FilePath(try scratch.write("other.json", "[1, 2, 3, 4, 5, 6, 7, 9]"))
    func fingerprint(_ path: FilePath, _ context: Int) throws -> String {
      try TokenStream(.ids(path), for: micro, context: context, limit: nil).fingerprint
    }
    let one = try fingerprint(ids, 4)
    #expect(one.count == 64 && one.allSatisfy { $0.isHexDigit })
    #expect(try fingerprint(copy, 4) == one)
    #expect(try fingerprint(ids, 8) != one)
    #expect(try fingerprint(other, 4) != one)
    // SHA-256 of the context and the ids as 32-bit little-endian numbers, by sha256sum.
    #expect(one == "74ae9407f8683245811155d52e7db1f1d79deb85a81d889e934402951f8c6d92")
  }
}
