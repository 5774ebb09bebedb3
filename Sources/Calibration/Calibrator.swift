internal import Checkpoint
package import Inference
package import JSON
internal import LinearAlgebra
package import SystemPackage

/// Measures the original model: one streamed pass over the calibration windows.
package struct Calibrator {
  private let pass: ForwardPass
  private let threads: Int

  /// A calibrator that will measure the model of `pass`.
  package init(_ pass: ForwardPass) {
    self.pass = pass
    threads = pass.threads
  }

  /// Runs the pass and writes what it measures, layer by layer.
  ///
  /// - Parameters:
  ///   - ids: Token ids, whole windows of `context`.
  ///   - context: Tokens per window.
  ///   - plan: Positions and experts that the search will look at.
  ///   - writer: Gets each mixture layer's sums and sample, in the order of the layers.
  ///   - spoolFolder: Where hidden states go that do not fit in memory; nil keeps them there.
  ///   - record: How far an earlier run was, if there may be one.
  ///   - progress: Called with the index of each layer that is done.
  /// - Throws: `CheckpointError` if weights are missing or not finite, `InferenceError` for an id
  ///   outside the vocabulary, `StorageError` if a file cannot be read or written.
  package func run(
    ids: [Int32],
    context: Int,
    plan: SamplePlan,
    into writer: StatisticsWriter,
    spoolFolder: FilePath?,
    record: PassRecord? = nil,
    progress: (Int) -> Void
  ) throws {
    let last = pass.configuration.moeLayers.last ?? -1
    let first = record?.nextStep ?? 0
    for (index, note) in (record?.notes ?? []).enumerated() {
      if pass.configuration.isMixture(index) {
        try writer.check(layer: index, checksum: Calibrator.checksum(note))
      }
      progress(index)
    }
    guard first <= last else { return }
    let stream = try pass.start(ids, length: context, spoolFolder: spoolFolder, record: record)
    for index in first...last {
      let layer = try DecoderLayer(pass.loader, index: index, length: context)
      if layer.isMixture {
        try measure(layer, stream, plan, writer)
      } else {
        for number in stream.groups.indices {
          let h = try stream.load(number)
          try layer.advance(h, length: context)
          try stream.store(h, number)
        }
      }
      if let record {
        let note =
          layer.isMixture ? Calibrator.note(try writer.sync(layer: index)) : JSONValue.null
        try record.finish(index, [stream], note: note)
      }
      progress(index)
    }
  }

  /// What a record notes of a layer whose statistics have this checksum.
  package static func note(_ checksum: UInt64) -> JSONValue {
    .string(String(checksum, radix: 16))
  }

  private static func checksum(_ note: JSONValue) -> UInt64? {
    note.string.flatMap { UInt64($0, radix: 16) }
  }

  private func measure(
    _ layer: DecoderLayer,
    _ stream: HiddenStream,
    _ plan: SamplePlan,
    _ writer: StatisticsWriter
  ) throws {
    let all = Array(layer.experts.indices)
    var measurement = MixtureMeasurement(layer, allowed: all, threads: threads)
    var sample = GramSample(experts: all.count, candidates: plan.candidates)
    var next = 0
    for number in stream.groups.indices {
      let h = try stream.load(number)
      try layer.attend(h, length: stream.length)
      let x = layer.mlpInput(h)
      try layer.addUnrouted(x, to: h)
      let logits = try layer.routerLogits(x)
      let firstToken = stream.groups[number].lowerBound * stream.length
      var rows: [Int] = []
      while next < plan.positions.count, plan.positions[next] < firstToken + x.rows {
        rows.append(plan.positions[next] - firstToken)
        next += 1
      }
      try measurement.advance(x, logits: logits, h: h, sampling: rows, into: &sample)
      try stream.store(h, number)
    }
    try writer.write(layer: layer.index, measurement.result, sample)
  }
}
