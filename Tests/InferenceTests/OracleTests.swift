import Checkpoint
import Fixtures
import LinearAlgebra
import Testing

@testable import Inference

/// The forward pass against what transformers computed in float32.
@Suite struct OracleTests {
  /// ‖a - b‖ / ‖b‖ per tensor: room for another order of summation, not for another formula.
  static let tolerance = 2e-4

  static let models = ["micro-qwen2moe", "tiny-mixtral", "tiny-qwen2moe", "small-mixtral"]
  static let cases = ["one", "short", "batch", "long"]

  @Test("hidden states, router logits and logits agree with transformers", arguments: models, cases)
  func everyTensorAgrees(model: String, name: String) throws {
    guard let folder = Fixtures.find("models/\(model)"), let oracle = try OracleFile(of: model)
    else {
      print("SKIPPED: no model or oracle of \(model) in Fixtures or ../shared")
      return
    }
    let ids = try oracle.numbers("\(name).input_ids", as: Int64.self).map { Int32($0) }
    let length = try #require(oracle.shape("\(name).input_ids").last)
    let pass = try ForwardPass(try Checkpoint(folder), threads: 2)
    var seen: [String: [Float]] = [:]
    var observer = ForwardPass.Observer()
    observer.hidden = { layer, _, h in seen["hidden.\(layer)", default: []] += h.values }
    observer.router = { layer, _, logits in seen["router.\(layer)", default: []] += logits.values }
    let stream = try pass.embed(ids, length: length, spoolFolder: nil)
    try pass.run(stream, observer: observer)
    let head = try pass.outputHead()
    let h = head.normalized(try stream.load(0))
    let logits = try multiply(h, transposed: try head.weights(0..<head.vocabularySize), threads: 2)
    seen["logits"] = logits.values

    let c = pass.configuration
    #expect(seen.count == c.layerCount + 1 + c.moeLayers.count + 1)
    for (tensor, values) in seen {
      let expected = try oracle.numbers("\(name).\(tensor)", as: Float.self)
      let error = relativeDifference(values, expected)
      #expect(error <= OracleTests.tolerance, "\(model) \(name).\(tensor)")
    }
  }

  @Test("the output rows come out the same in blocks as in one piece")
  func outputRowsInBlocks() throws {
    let checkpoint = try Checkpoint(Fixtures.path("models/micro-qwen2moe"))
    let head = try ForwardPass(checkpoint, threads: 1).outputHead()
    let whole = try head.weights(0..<head.vocabularySize)
    #expect(head.vocabularySize == 1024)
    for rows in [0..<1, 100..<613, 1000..<1024] {
      #expect(try head.weights(rows).values == whole.copy(ofRows: rows).values)
    }
  }
}
