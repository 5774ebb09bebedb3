import Checkpoint
import Fixtures
import Safetensors
import SystemPackage
import Tensors
import Testing

@testable import Evaluation

/// Files of logits and of hidden states: what they hold, and which are refused.
@Suite struct SavedLogitsTests {
  private func saved(in scratch: ScratchFolder, context: Int, limit: Int) throws -> FilePath {
    let checkpoint = try Checkpoint(Sample.micro)
    let path = FilePath(scratch("logits-\(context)-\(limit).safetensors"))
    var evaluator = Evaluator(threads: 2)
    evaluator.logitsPath = path
    let stream = try Sample.stream(for: checkpoint, context: context, limit: limit)
    _ = try evaluator.evaluate(checkpoint, stream)
    return path
  }

  @Test("logits and ids are saved in the shape of the windows")
  func shapes() throws {
    let scratch = try ScratchFolder()
    let reader = try SafetensorsReader(try saved(in: scratch, context: 16, limit: 50))
    let shapes = Dictionary(uniqueKeysWithValues: reader.tensors.map { ($0.name, $0.shape) })
    #expect(shapes == ["logits": [3, 16, 1024], "input_ids": [3, 16]])
  }

  @Test("hidden states and router logits are named and shaped as the oracles'")
  func hiddenStates() throws {
    let scratch = try ScratchFolder()
    let checkpoint = try Checkpoint(Sample.micro)
    var evaluator = Evaluator(threads: 2)
    evaluator.hiddenPath = FilePath(scratch("hidden.safetensors"))
    _ = try evaluator.evaluate(
      checkpoint,
      try Sample.stream(for: checkpoint, context: 16, limit: 50)
    )
    let reader = try SafetensorsReader(FilePath(scratch("hidden.safetensors")))
    var expected = ["input_ids": [3, 16]]
    for layer in 0...4 { expected["hidden.\(layer)"] = [3, 16, 96] }
    for layer in 0..<4 { expected["router.\(layer)"] = [48, 16] }
    let shapes = Dictionary(uniqueKeysWithValues: reader.tensors.map { ($0.name, $0.shape) })
    #expect(shapes == expected)
  }

  @Test("hidden states of several groups come out in the order of the tokens")
  func hiddenStatesOfGroups() throws {
    let scratch = try ScratchFolder()
    let checkpoint = try Checkpoint(Sample.micro)
    var evaluator = Evaluator(threads: 2)
    evaluator.hiddenPath = FilePath(scratch("hidden.safetensors"))
    let stream = try Sample.stream(for: checkpoint, context: 100, limit: 8500)
    _ = try evaluator.evaluate(checkpoint, stream)
    let reader = try SafetensorsReader(FilePath(scratch("hidden.safetensors")))
    func values(_ name: String) throws -> [Float] {
      let index = try #require(reader.tensors.firstIndex { $0.name == name })
      return try reader.bytes(ofTensor: index).withUnsafeBytes {
        Array($0.bindMemory(to: Float.self))
      }
    }
    // What enters layer 0 is a row of the embedding, the same for the same token anywhere.
    let hidden = try values("hidden.0")
    var rows: [Int32: ArraySlice<Float>] = [:]
    for (token, id) in stream.ids.enumerated() {
      let row = hidden[token * 96..<(token + 1) * 96]
      #expect(rows[id].map { $0.elementsEqual(row) } ?? true, "token \(token)")
      rows[id] = row
    }
    #expect(try values("router.3").count == 8500 * 16)
    #expect(try values("router.3").suffix(16).contains { $0 != 0 })
  }

  @Test("logits of other ids, another shape, or none at all are refused")
  func refusals() throws {
    let scratch = try ScratchFolder()
    let checkpoint = try Checkpoint(Sample.micro)
    let stream = try Sample.stream(for: checkpoint, context: 16, limit: 48)
    func refusal(_ path: FilePath) -> String? {
      let error = #expect(throws: EvaluationError.self) {
        try Evaluator(threads: 1).evaluate(checkpoint, stream, against: .logits(path))
      }
      guard case .otherLogits(let file, let reason)? = error else { return nil }
      #expect(file == path)
      return reason
    }
    let shorter = try saved(in: scratch, context: 16, limit: 32)
    #expect(refusal(shorter)?.contains("[2, 16, 1024]") == true)
    let wider = try saved(in: scratch, context: 24, limit: 48)
    #expect(refusal(wider)?.contains("[2, 24, 1024]") == true)

    let same = try saved(in: scratch, context: 16, limit: 48)
    var bytes = try ScratchFolder.bytes(of: same.string)
    let reader = try SafetensorsReader(same)
    let ids = try #require(reader.tensors.first { $0.name == "input_ids" })
    bytes[ids.fileRange.lowerBound] ^= 1
    try scratch.write("other-ids.safetensors", bytes)
    #expect(
      refusal(FilePath(scratch("other-ids.safetensors"))) == "was made from other token ids"
    )
    #expect(refusal(FilePath("\(Sample.micro)/model.safetensors"))?.contains("'logits'") == true)
  }
}
