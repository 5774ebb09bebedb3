import Checkpoint
import Fixtures
import SystemPackage
import Testing

@testable import Evaluation

/// The comparison with a reference.
@Suite struct DivergenceTests {
  /// Float32 differences of logits, summed in Double.
  static let tolerance = 1e-6

  @Test("a model does not diverge from itself, nor from its own saved logits")
  func noDivergenceFromItself() throws {
    let scratch = try ScratchFolder()
    let checkpoint = try Checkpoint(Sample.micro)
    let stream = try Sample.stream(for: checkpoint)
    let path = FilePath(scratch("logits.safetensors"))
    var evaluator = Evaluator(threads: 2)
    evaluator.logitsPath = path
    let first = try evaluator.evaluate(checkpoint, stream, against: .model(checkpoint))
    evaluator.logitsPath = nil
    let second = try evaluator.evaluate(checkpoint, stream, against: .logits(path))
    for result in [first, second] {
      let other = try #require(result.against)
      #expect(other.meanKL == 0)
      #expect(other.top1Agreement == 1)
      #expect(other.perplexity == result.perplexity)
    }
    #expect(first.perplexity == second.perplexity)
  }

  @Test("the divergence from another model is that of the saved logits of both")
  func equalsSlowReference() throws {
    let scratch = try ScratchFolder()
    let reference = try Checkpoint(Sample.micro)
    let model = try Checkpoint(try Sample.alteredModel(in: scratch))
    let stream = try Sample.stream(for: reference, context: 40, limit: 200)
    func save(_ checkpoint: Checkpoint, _ name: String) throws -> [[Float]] {
      var evaluator = Evaluator(threads: 2)
      evaluator.logitsPath = FilePath(scratch(name))
      _ = try evaluator.evaluate(checkpoint, stream)
      return try Sample.logits(in: scratch(name))
    }
    let r = try save(reference, "r.safetensors")
    let m = try save(model, "m.safetensors")
    let scored = stream.ids.indices.filter { ($0 + 1) % 40 != 0 }
    let divergence =
      scored.reduce(0.0) { $0 + slowDivergence(reference: r[$1], model: m[$1]) }
      / Double(scored.count)
    func top(_ row: [Float]) -> Int? { row.max().flatMap { row.firstIndex(of: $0) } }
    let agreement = Double(scored.count { top(r[$0]) == top(m[$0]) }) / Double(scored.count)
    #expect(divergence > 1e-3)

    let saved = FilePath(scratch("r.safetensors"))
    for other in [Evaluator.Reference.model(reference), .logits(saved)] {
      let result = try Evaluator(threads: 2).evaluate(model, stream, against: other)
      let against = try #require(result.against)
      let got = try #require(against.meanKL)
      #expect(abs(got - divergence) <= DivergenceTests.tolerance * max(1, divergence))
      #expect(against.top1Agreement == agreement)
      let perplexity = try #require(against.perplexity)
      let expected = slowPerplexity(r, ids: stream.ids, context: 40)
      #expect(abs(perplexity - expected) <= 1e-6 * expected)
    }
  }

  @Test("the divergence is never negative, and not the same in both directions")
  func isNoDistance() throws {
    let scratch = try ScratchFolder()
    let a = try Checkpoint(Sample.micro)
    let b = try Checkpoint(try Sample.alteredModel(in: scratch))
    let stream = try Sample.stream(for: a, context: 32, limit: 64)
    let evaluator = Evaluator(threads: 2)
    let ab = try #require(try evaluator.evaluate(a, stream, against: .model(b)).against?.meanKL)
    let ba = try #require(try evaluator.evaluate(b, stream, against: .model(a)).against?.meanKL)
    #expect(ab > 0 && ba > 0 && ab != ba)
  }

  @Test("a model of another vocabulary is refused with both sizes")
  func otherVocabulary() throws {
    let checkpoint = try Checkpoint(Sample.micro)
    let other = try Checkpoint(Fixtures.path("models/tiny-mixtral"))
    let stream = try Sample.stream(for: checkpoint)
    #expect(throws: EvaluationError.otherVocabulary(expected: 2048, got: 1024)) {
      try Evaluator(threads: 1).evaluate(checkpoint, stream, against: .model(other))
    }
  }
}
