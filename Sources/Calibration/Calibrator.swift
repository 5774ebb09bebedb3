internal import Checkpoint
package import Inference
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
  ///   - importance: Gets what every layer's matrices read; nil makes no importance matrix.
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
    importance: ImportanceRecord? = nil,
    spoolFolder: FilePath?,
    record: PassRecord? = nil,
    progress: (Int) -> Void
  ) throws {
    // Behind the last layer with experts only the importance matrix has something to see.
    let last =
      importance == nil
      ? pass.configuration.moeLayers.last ?? -1 : pass.configuration.layerCount - 1
    let first = record?.nextStep ?? 0
    for (index, json) in (record?.notes ?? []).enumerated() {
      let note = CalibrationNote(json: json)
      if pass.configuration.isMixture(index) {
        try writer.check(layer: index, checksum: note.statistics)
      }
      try importance?.confirm(layer: index, note: note.importance)
      progress(index)
    }
    guard first <= last else { return }
    let stream = try pass.start(ids, length: context, spoolFolder: spoolFolder, record: record)
    for index in first...last {
      let layer = try DecoderLayer(pass.loader, index: index, length: context)
      let sums = importance?.layer(index, threads: threads)
      if layer.isMixture {
        try measure(layer, stream, plan, writer, sums)
      } else {
        for number in stream.groups.indices {
          let h = try stream.load(number)
          try layer.attend(h, length: context, observer: sums)
          try layer.addUnrouted(layer.mlpInput(h), to: h, observer: sums)
          try stream.store(h, number)
        }
      }
      if let sums { try importance?.write(sums) }
      if let record {
        let note = CalibrationNote(
          statistics: layer.isMixture ? try writer.sync(layer: index) : nil,
          importance: try importance?.sync(layer: index)
        )
        try record.finish(index, [stream], note: note.json)
      }
      progress(index)
    }
  }

  private func measure(
    _ layer: DecoderLayer,
    _ stream: HiddenStream,
    _ plan: SamplePlan,
    _ writer: StatisticsWriter,
    _ observer: LayerImportance?
  ) throws {
    let all = Array(layer.experts.indices)
    var measurement = MixtureMeasurement(layer, allowed: all, threads: threads, observer: observer)
    var sample = GramSample(experts: all.count, candidates: plan.candidates)
    var next = 0
    for number in stream.groups.indices {
      let h = try stream.load(number)
      try layer.attend(h, length: stream.length, observer: observer)
      let x = layer.mlpInput(h)
      try layer.addUnrouted(x, to: h, observer: observer)
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
