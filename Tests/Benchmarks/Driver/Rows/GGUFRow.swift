import JSON

/// The command `convert` from a folder to GGUF against a plain copy of the folder, with all threads,
/// and its peak memory on 8 GB of weights.
///
/// Both read files that are in the page cache and end when the output is on the disk. Outputs are
/// removed and the disk is at rest before each run.
func ggufRow(_ bench: Bench) throws -> [Outcome] {
  let output = bench.work + "/converted.gguf"
  func convert(_ model: String, to type: String) throws -> Cost {
    remove(output)
    defer { remove(output) }
    return try bench.runTool(["convert", model, "-o", output, "--type", type, "--no-tokenizer"])
  }
  // Floats go at the disk's speed; blocks take as long as their encoders.
  let types: [(name: String, rounds: Int, aims: [Outcome.Aim])] = [
    ("F16", bench.rounds, [.ratio(0.8)]), ("Q8_0", bench.rounds, []),
    ("Q4_K_M", bench.longRounds, []),
  ]
  let model = try bench.model(layers: 1)
  let megabytes = Double(try byteCount(of: model)) / 1e6
  _ = try copySeconds(bench, of: model)
  var outcomes = try types.map { type, rounds, aims in
    let speeds = try interleave(
      rounds,
      ours: { megabytes / (try convert(model, to: type).seconds) },
      peer: { megabytes / (try copySeconds(bench, of: model)) }
    )
    return Outcome(
      name: "gguf: folder to \(type)",
      kind: .rate(unit: "MB/s"),
      ours: speeds.ours,
      peerName: "copy and sync",
      peer: speeds.peer,
      aims: aims
    )
  }
  let large = try bench.model(layers: bench.isQuick ? 1 : 7)
  let peaks = try types.map { Double(try convert(large, to: $0.name).peakBytes) / 1e6 }
  outcomes.append(
    Outcome(
      name: "gguf: peak memory, \(digits(Double(try byteCount(of: large)) / 1e9)) GB",
      kind: .cost(unit: "MB"),
      ours: [peaks.max() ?? .nan],
      peerName: "",
      aims: [.value(300)],
      note: zip(types, peaks).map { "\($0.name) \(digits($1)) MB" }.joined(separator: ", ")
    )
  )
  return outcomes
}
