import Fixtures
import JSON
import Testing

@testable import Tokenization

/// Vocabularies from Hugging Face folders, and folders from vocabularies.
@Suite struct HuggingFaceVocabularyTests {
  private typealias Files = [String: String]

  private func vocabulary(
    _ files: Files,
    type: String = "qwen2_moe",
    size: Int? = nil,
    pre: String? = nil
  ) throws -> GGMLVocabulary? {
    try GGMLVocabulary(
      modelType: type,
      vocabularySize: size,
      pre: pre,
      folder: "model",
      read: { files[$0].map { Array($0.utf8) } }
    )
  }

  private static let byteLevel =
    #"{"type": "ByteLevel", "add_prefix_space": false, "use_regex": false}"#
  private static let qwen2 =
    #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"#

  /// A tokenizer.json with tokens a, b, ab and added ones.
  private func tokenizer(
    added: String = "",
    split: String = qwen2,
    merges: String = #"["a", "b"]"#,
    post: String = "null",
    ignoreMerges: Bool = false
  ) -> String {
    #"""
    {"added_tokens": [\#(added)], "post_processor": \#(post), "decoder": {"type": "ByteLevel"},
     "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
       {"type": "Split", "pattern": {"Regex": "\#(split)"}, "behavior": "Isolated"},
       \#(HuggingFaceVocabularyTests.byteLevel)]},
     "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": [\#(merges)],
       "ignore_merges": \#(ignoreMerges)}}
    """#
  }

  private func added(_ id: Int, _ content: String, special: Bool) -> String {
    #"{"id": \#(id), "content": "\#(content)", "special": \#(special), "normalized": false}"#
  }

  @Test func idsWithoutATokenArePadded() throws {
    let file = tokenizer(
      added: [
        added(3, "<|end|>", special: false), added(4, "<t>", special: true),
        added(6, "x▁y", special: false),
      ].joined(separator: ",")
    )
    let made = try #require(try vocabulary(["tokenizer.json": file], size: 8))
    #expect(made.tokens == ["a", "b", "ab", "<|end|>", "<t>", "[PAD5]", "x y", "[PAD7]"])
    #expect(
      made.types == [
        .normal, .normal, .normal, .control, .control, .unused, .userDefined, .unused,
      ]
    )
    #expect(made.pre == "qwen2")
    #expect(made.merges == ["a b"])
  }

  @Test func idsBeyondTheEmbeddingAreRefused() {
    #expect(throws: TokenizationError.self) {
      _ = try vocabulary(["tokenizer.json": tokenizer()], size: 2)
    }
  }

  @Test func specialTokensComeFromTheConfigurationsInTheirOrder() throws {
    let made = try #require(
      try vocabulary([
        "tokenizer.json": tokenizer(added: added(3, "<e>", special: true)),
        "tokenizer_config.json":
          #"{"eos_token": {"content": "<e>"}, "pad_token": "<e>", "add_bos_token": false}"#,
        "config.json": #"{"bos_token_id": 1, "eos_token_id": 2, "unk_token_id": 99}"#,
      ])
    )
    #expect(
      made.specialTokens == [.init(.eos, 3), .init(.padding, 3), .init(.bos, 1)]
    )
    #expect(made.additions == [.init(.bos, false)])
    #expect(!made.marksDocumentStart)
  }

  @Test func aTemplateSaysWhatIsPutAroundAText() throws {
    let bos = #"{"SpecialToken": {"id": "<s>", "type_id": 0}}"#
    let end = #"{"SpecialToken": {"id": "<end>", "type_id": 0}}"#
    let post = #"""
      {"type": "TemplateProcessing", "single": [\#(bos), {"Sequence": {"id": "A"}}, \#(end)],
       "pair": [\#(bos), {"Sequence": {"id": "A"}}, {"Sequence": {"id": "B"}}, \#(end)]}
      """#
    let tokens = ["<s>", "<e>", "<end>"].enumerated().map {
      added(3 + $0.offset, $0.element, special: true)
    }
    let made = try #require(
      try vocabulary([
        "tokenizer.json": tokenizer(added: tokens.joined(separator: ","), post: post),
        "tokenizer_config.json": #"{"bos_token": "<s>", "eos_token": "<e>"}"#,
      ])
    )
    #expect(made.additions == [.init(.bos, true), .init(.eos, true)])
    #expect(made.specialTokens == [.init(.bos, 3), .init(.eos, 5), .init(.eot, 4)])
    #expect(made.marksDocumentStart)
  }

  @Test func chatTemplatesKeepTheirNames() throws {
    let list = #"[{"name": "default", "template": "D"}, {"name": "tool-use", "template": "T"}]"#
    let made = try #require(
      try vocabulary([
        "tokenizer.json": tokenizer(),
        "tokenizer_config.json": #"{"chat_template": \#(list)}"#, "chat_template.jinja": "J",
      ])
    )
    #expect(made.chatTemplates == [.init(name: "tool_use", "T"), .init("D")])
    let alone = try #require(
      try vocabulary([
        "tokenizer.json": tokenizer(), "tokenizer_config.json": "{}", "chat_template.jinja": "J",
      ])
    )
    #expect(alone.chatTemplates == [.init("J")])
  }

  /// As the `gguf` package's `SpecialVocab` does: only beside chat_template.jinja, and only where
  /// tokenizer_config.json has none.
  @Test func moreChatTemplatesStandInAFolderOfTheirOwn() throws {
    func templates(_ more: Files, configuration: String = "{}") throws
      -> [GGMLVocabulary.ChatTemplate]
    {
      let files = more.merging(
        ["tokenizer.json": tokenizer(), "tokenizer_config.json": configuration]
      ) { old, _ in old }
      let folder = "additional_chat_templates"
      let made = try GGMLVocabulary(
        modelType: "qwen2_moe",
        vocabularySize: nil,
        folder: "model",
        names: { name in
          #expect(name == folder)
          return files.keys.filter { $0.hasPrefix(folder + "/") }
            .map { String($0.dropFirst(folder.utf8.count + 1)) }
        },
        read: { files[$0].map { Array($0.utf8) } }
      )
      return try #require(made).chatTemplates
    }
    let more = [
      "additional_chat_templates/tool-use.jinja": "T", "additional_chat_templates/rag.jinja": "R",
      "additional_chat_templates/notes.txt": "N",
    ]
    let jinja = ["chat_template.jinja": "J"]
    #expect(
      try templates(more.merging(jinja) { old, _ in old })
        == [.init(name: "rag", "R"), .init(name: "tool_use", "T"), .init("J")]
    )
    #expect(try templates(more) == [])
    #expect(try templates(more.merging(["chat_template.json": "{}"]) { old, _ in old }) == [])
    #expect(
      try templates(
        more.merging(jinja) { old, _ in old },
        configuration: #"{"chat_template": "C"}"#
      ) == [.init("C")]
    )
  }

  @Test func thePreTokenizersNameDependsOnPatternAndFamily() throws {
    let llama3 = HuggingFaceVocabularyTests.qwen2
      .replacing(#"|\\p{N}|"#, with: #"|\\p{N}{1,3}|"#)
    func name(_ type: String, ignoreMerges: Bool = false) throws -> String? {
      let file = tokenizer(split: llama3, ignoreMerges: ignoreMerges)
      return try vocabulary(["tokenizer.json": file], type: type)?.pre
    }
    #expect(try name("llama", ignoreMerges: true) == "llama-bpe")
    #expect(try name("glm4_moe", ignoreMerges: true) == "glm4")
    #expect(try name("dbrx") == "dbrx")
    #expect(try name("other") == "smaug-bpe")
  }

  @Test func anUnknownWayOfCuttingNamesTheOptions() throws {
    let files = ["tokenizer.json": tokenizer(split: "x+")]
    let error = #expect(throws: TokenizationError.self) { _ = try vocabulary(files) }
    #expect(error?.description.contains("--pre") == true)
    #expect(error?.description.contains("--tokenizer-from") == true)
    #expect(try vocabulary(files, pre: "tekken")?.pre == "tekken")
    #expect(throws: TokenizationError.self) { _ = try vocabulary(files, pre: "nothing") }
  }

  @Test func aSpaceInAMergeIsWrittenAsGPT2DoesIt() throws {
    let json = #"""
      {"model": {"type": "BPE", "vocab": {" ": 0, "a": 1, " a": 2}, "merges": [[" ", "a"]]},
       "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false}}
      """#
    let made = try #require(try vocabulary(["tokenizer.json": json], type: "olmoe"))
    #expect(made.merges == ["Ġ a"])
    #expect(made.pre == "olmo")
  }

  @Test func withoutATokenizerThereIsNone() throws {
    #expect(try vocabulary(["config.json": "{}"]) == nil)
  }

  // MARK: - SentencePiece

  private static let pieces: [SentencePieceModel.Piece] = [
    .init(text: "<unk>", score: 0, type: .unknown), .init(text: "<s>", score: 0, type: .control),
    .init(text: "<0x0A>", score: 0, type: .byte), .init(text: "▁a", score: -1.5, type: .normal),
    .init(text: "user", score: -2, type: .userDefined),
  ]

  @Test func sentencePieceFilesAreReadAndWritten() throws {
    let bytes = SentencePieceModel(HuggingFaceVocabularyTests.pieces).bytes(addsPrefix: true)
    let read = try SentencePieceModel(parsing: bytes, file: "tokenizer.model")
    #expect(read.pieces == HuggingFaceVocabularyTests.pieces)
    for count in [0, 1, 5, 12] {
      #expect(throws: TokenizationError.self) {
        _ = try SentencePieceModel(parsing: Array(bytes.prefix(count)), file: "tokenizer.model")
      }
    }
  }

  @Test func scoresComeFromSentencePiecesOwnFile() throws {
    let model = SentencePieceModel(HuggingFaceVocabularyTests.pieces).bytes(addsPrefix: true)
    let files: [String: [UInt8]] = [
      "tokenizer.model": model,
      "added_tokens.json": Array(#"{"<new>": 5}"#.utf8),
      "tokenizer_config.json": Array(
        #"""
        {"bos_token": "<s>", "add_prefix_space": false,
         "added_tokens_decoder": {"1": {"content": "<s>", "special": true}}}
        """#.utf8
      ),
    ]
    let made = try #require(
      try GGMLVocabulary(modelType: "mixtral", vocabularySize: 7, folder: "", read: { files[$0] })
    )
    #expect(made.model == .llama && made.pre == "default")
    #expect(made.tokens == ["<unk>", "<s>", "<0x0A>", "▁a", "user", "<new>", "[PAD6]"])
    #expect(made.scores == [0, -1000, 0, -1.5, -2, -1000, -10_000])
    #expect(
      made.types == [.unknown, .control, .byte, .normal, .normal, .userDefined, .unused]
    )
    #expect(made.addsSpacePrefix == false)
    #expect(made.marksDocumentStart)
  }

  @Test func piecesBeyondTheEmbeddingAreRefusedAndAddedTokensLeftOut() throws {
    let model = SentencePieceModel(HuggingFaceVocabularyTests.pieces).bytes(addsPrefix: true)
    func made(_ rows: Int?, _ more: Files = [:]) throws -> GGMLVocabulary? {
      try GGMLVocabulary(
        modelType: "mixtral",
        vocabularySize: rows,
        folder: "model",
        read: { $0 == "tokenizer.model" ? model : more[$0].map { Array($0.utf8) } }
      )
    }
    func refusal(_ rows: Int?, _ more: Files = [:]) -> TokenizationError? {
      #expect(throws: TokenizationError.self) { _ = try made(rows, more) }
    }
    #expect(
      refusal(4)
        == .vocabularyTooLarge(file: "model/tokenizer.model", token: "user", id: 4, rows: 4)
    )
    let small = try #require(try made(5, ["added_tokens.json": #"{"<new>": 5}"#]))
    #expect(small.tokens.count == 5 && small.tokensLeftOut == ["<new>"])
    let configuration = #"{"added_tokens_decoder": {"9": {"content": "<x>"}}}"#
    let padded = try #require(try made(6, ["tokenizer_config.json": configuration]))
    #expect(padded.tokens.count == 6 && padded.tokensLeftOut == ["<x>"])
    let error = refusal(6, ["added_tokens.json": #"{"<new>": -1}"#])
    #expect(error?.description.contains("model/added_tokens.json") == true)
    // Where the rows are not known, the largest id decides.
    #expect(try made(nil)?.tokens.count == 5)
    #expect(try made(nil, ["added_tokens.json": #"{"<new>": 6}"#])?.tokens.last == "<new>")
    #expect(try made(nil, ["tokenizer_config.json": configuration])?.tokens.count == 10)
  }

  // MARK: - And back

  @Test func foldersMadeFromAVocabularyGiveItBack() throws {
    let file = try TokenizerFiles.json(Fixtures.path("ggml-tokenizer-cases.json"))
    func tokens(_ key: String) throws -> [String] {
      try #require(file[key]?["tokens"]?.array).compactMap(\.string)
    }
    var bytes = GGMLVocabulary(model: .gpt2, pre: "tekken", tokens: try tokens("gpt2") + ["<x y>"])
    bytes.types =
      [.control] + [GGMLVocabulary.TokenType](repeating: .normal, count: bytes.tokens.count - 2)
      + [.userDefined]
    bytes.merges = try #require(file["gpt2"]?["merges"]?.array).compactMap(\.string)
    bytes.specialTokens = [.init(.bos, 0), .init(.eos, 0), .init(.eot, 65)]
    bytes.additions = [.init(.bos, true), .init(.eos, false)]
    bytes.chatTemplates = [.init(name: "tools", "{{ T }}"), .init("{{ x }}")]

    var pieces = GGMLVocabulary(model: .llama, pre: "default", tokens: try tokens("llama"))
    pieces.types = try #require(file["llama"]?["types"]?.ids).compactMap { .init(rawValue: $0) }
    let scores = try #require(file["llama"]?["cases"]?.array)[0]["scores"]
    pieces.scores = try #require(scores?.array).compactMap(\.double).map(Float.init)
    for (index, type) in (pieces.types ?? []).enumerated()
    where [.control, .unknown, .userDefined].contains(type) {
      // `convert_hf_to_gguf` gives these all one score, and control's kind to the unknown token.
      pieces.scores?[index] = -1000
      if type == .unknown { pieces.types?[index] = .control }
    }
    pieces.specialTokens = [.init(.bos, 1), .init(.eos, 2), .init(.unknown, 0)]
    pieces.addsSpacePrefix = true

    for (vocabulary, type) in [(bytes, "qwen2_moe"), (pieces, "mixtral")] {
      let files = try vocabulary.huggingFaceFiles(file: "m.gguf")
      var again = try #require(
        try GGMLVocabulary(
          modelType: type,
          vocabularySize: vocabulary.tokens.count,
          folder: "",
          read: { name in files.first { $0.name == name }?.contents }
        )
      )
      again.marksDocumentStart = false
      #expect(again.pre == vocabulary.pre)
      #expect(again.tokens == vocabulary.tokens)
      #expect(again.types == vocabulary.types)
      #expect(again == vocabulary)
    }
  }

  @Test func aBOSTokenThatIsNotUsedDoesNotStartDocuments() throws {
    var vocabulary = GGMLVocabulary(model: .gpt2, pre: "qwen2", tokens: ["a", "<e>"])
    vocabulary.types = [.normal, .control]
    vocabulary.merges = []
    vocabulary.specialTokens = [.init(.eos, 1), .init(.bos, 1)]
    let files = try vocabulary.huggingFaceFiles(file: "m.gguf")
    let again = try GGMLVocabulary(
      modelType: "qwen2_moe",
      vocabularySize: 2,
      folder: "",
      read: { name in files.first { $0.name == name }?.contents }
    )
    #expect(again == vocabulary)
  }

  @Test func mergesFollowTheScores() {
    let merges = ScoredMerges.merges(
      ["a", "b", "c", "ab", "bc", "abc", "x"],
      scores: [0, 0, 0, -1, -2, -1, 0],
      skipped: [6]
    )
    #expect(merges == [.init("ab", "c"), .init("a", "bc"), .init("a", "b"), .init("b", "c")])
  }

  /// Looking for every part of it took hours.
  @Test(.timeLimit(.minutes(1))) func aTokenOfMegabytesIsNotCutEverywhere() {
    let long = String(repeating: "a", count: 4 << 20)
    let merges = ScoredMerges.merges(
      ["a", "aa", long, String(long.dropLast())],
      scores: [0, 0, 0, 0],
      skipped: []
    )
    #expect(merges.count == 3)
    #expect(
      merges.filter { $0.left.utf8.count == 1 }.map(\.right.utf8.count).sorted() == [
        1, long.utf8.count - 1,
      ]
    )
  }
}
