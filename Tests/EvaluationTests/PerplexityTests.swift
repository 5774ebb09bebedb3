import Checkpoint
import Fixtures
import JSON
import SystemPackage
import Testing

@testable import Evaluation

/// Perplexity against what transformers computed.
@Suite struct PerplexityTests {
  /// Relative; Float32 logits here and there.
  static let tolerance = 1e-4

  @Test(
    "the perplexity of 64 windows is that of transformers",
    arguments: ["micro-qwen2moe", "tiny-mixtral", "tiny-qwen2moe", "small-mixtral"]
  )
  func agreesWithTransformers(model: String) throws {
    guard let folder = Fixtures.find("models/\(model)"),
      let oracle = Fixtures.find("oracles/\(model).json")
    else {
      print("SKIPPED: no model or oracle of \(model) in Fixtures or ../shared")
      return
    }
    let json = try JSONValue(parsing: try ScratchFolder.bytes(of: oracle))["perplexity"]
    let expected = try #require(json?["value"]?.double)
    let checkpoint = try Checkpoint(folder)
    let stream = try Sample.stream(for: checkpoint, context: 512, limit: 64 * 512)
    let result = try Evaluator(threads: 2).evaluate(checkpoint, stream)
    #expect(result.windows == json?["windows"]?.integer)
    #expect(result.scoredTokens == json?["scored_tokens"]?.integer)
    let got = try #require(result.perplexity)
    #expect(abs(got - expected) <= PerplexityTests.tolerance * expected, "\(got), not \(expected)")
  }

  @Test("hidden states in a spool file, or one thread, change no digit")
  func spoolAndThreadsDoNotMatter() throws {
    let scratch = try ScratchFolder()
    let checkpoint = try Checkpoint(Sample.micro)
    let stream = try Sample.stream(for: checkpoint)
    let plain = try Evaluator(threads: 2).evaluate(checkpoint, stream).perplexity
    let spooling = Evaluator(
      threads: 1,
      memoryBudget: 0,
      spoolFolder: FilePath(scratch.path)
    )
    #expect(try spooling.evaluate(checkpoint, stream).perplexity == plain)
    #expect(try ScratchFolder.names(in: scratch.path).isEmpty)
  }

  @Test("perplexity is exp of the mean negative log-likelihood of the saved logits")
  func equalsSavedLogits() throws {
    let scratch = try ScratchFolder()
    let checkpoint = try Checkpoint(Sample.micro)
    let stream = try Sample.stream(for: checkpoint, context: 50, limit: 200)
    var evaluator = Evaluator(threads: 2)
    evaluator.logitsPath = FilePath(scratch("logits.safetensors"))
    let result = try evaluator.evaluate(checkpoint, stream)
    let logits = try Sample.logits(in: scratch("logits.safetensors"))
    #expect(logits.count == 200)
    let expected = slowPerplexity(logits, ids: stream.ids, context: 50)
    let got = try #require(result.perplexity)
    #expect(abs(got - expected) <= 1e-6 * expected)
    #expect(result.scoredTokens == 4 * 49)
  }
}
