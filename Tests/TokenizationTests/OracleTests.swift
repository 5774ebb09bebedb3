import JSON
import Testing
import Tokenization

/// The tokenizer cases of the oracles, which transformers made.
@Suite struct OracleTests {
  @Test(arguments: TokenizerFiles.models)
  func idsAndTextAreThoseOfTransformers(model: String) throws {
    guard let file = TokenizerFiles.tokenizer(of: model),
      let oracle = TokenizerFiles.oracle(of: model)
    else {
      print("SKIPPED: no tokenizer or oracle of \(model) in Fixtures or ../shared")
      return
    }
    let description = try TokenizerDescription(json: TokenizerFiles.json(file), file: file)
    let tokenizer = try Tokenizer(description)
    let cases = try #require(TokenizerFiles.json(oracle)["tokenizer_cases"]?.array)
    #expect(!cases.isEmpty)
    for oracleCase in cases {
      let text = try #require(oracleCase["text"]?.string)
      let ids = try tokenizer.encode(text)
      #expect(ids == oracleCase["ids"]?.ids, "\(text)")
      #expect(try tokenizer.decode(ids).isSame(as: oracleCase["decoded"]?.string), "\(text)")
    }
  }
}
