import Checkpoint
import Fixtures
import Testing
import Tokenization

@testable import Evaluation

/// Which tokens frame a document, by the files of the checkpoint.
@Suite struct ModelTokenizerTests {
  let scratch: ScratchFolder

  init() throws { scratch = try ScratchFolder() }

  private func model(_ files: [String: String]) throws -> ModelTokenizer {
    let folder = try scratch.copy(Fixtures.path("models/tiny-mixtral"), as: "m")
    for (name, text) in files { try scratch.write("m/\(name)", text) }
    return try ModelTokenizer(try Checkpoint(folder))
  }

  @Test("a token may be a string or an object with its content")
  func tokenForms() throws {
    let json = #"{"bos_token": {"content": "</s>", "lstrip": false}, "eos_token": "<s>"}"#
    let model = try model(["tokenizer_config.json": json])
    #expect(model.bos == 2 && model.eos == 1)
  }

  @Test("without bos_token there is none, whatever config.json says")
  func noBOS() throws {
    let json = #"{"bos_token": null, "eos_token": "</s>"}"#
    #expect(try model(["tokenizer_config.json": json]).bos == nil)
  }

  @Test("without eos_token the first id of generation_config.json counts")
  func eosOfGenerationConfiguration() throws {
    let model = try model([
      "tokenizer_config.json": "{}", "generation_config.json": #"{"eos_token_id": [7, 9]}"#,
    ])
    #expect(model.eos == 7 && model.bos == nil)
  }

  @Test("without that either, config.json's counts")
  func eosOfConfiguration() throws {
    let model = try model(["tokenizer_config.json": "{}", "generation_config.json": "{}"])
    #expect(model.eos == 2)
  }

  @Test("a special token that the vocabulary does not have is refused by name")
  func unknownSpecialToken() throws {
    let error = #expect(throws: EvaluationError.self) {
      _ = try model(["tokenizer_config.json": #"{"bos_token": "<none>"}"#])
    }
    #expect(error?.description.contains("'<none>'") == true)
    #expect(error?.description.contains("tokenizer_config.json") == true)
  }

  @Test("of a GGUF the bos token counts only if the file says that it is added")
  func framesOfGGUF() throws {
    var vocabulary = GGMLVocabulary(model: .llama, pre: nil, tokens: ["▁", "a", "<s>", "</s>"])
    vocabulary.specialTokens = [.init(.bos, 2), .init(.eos, 3)]
    for (isOn, bos) in [(nil, nil), (false, nil), (true, 2)] as [(Bool?, Int32?)] {
      vocabulary.additions = isOn.map { [.init(.bos, $0)] } ?? []
      let model = try ModelTokenizer(vocabulary: vocabulary, file: "m.gguf")
      #expect(model.bos == bos && model.eos == 3)
      #expect(try model.tokenizer.encode("a") == [0, 1])
    }
  }
}
