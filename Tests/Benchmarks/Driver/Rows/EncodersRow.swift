import JSON

/// The types of ggml's that we encode.
private let blockTypes = [
  "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ4_NL",
  "IQ4_XS", "MXFP4", "TQ1_0", "TQ2_0",
]

/// Those whose encoders have no use for an importance of the columns.
private let unweighted: Set = ["Q8_0", "MXFP4", "TQ1_0", "TQ2_0"]

/// Encoders and decoders of ggml's block types against ggml's own, one matrix of an expert and one
/// thread each.
func encodersRow(_ bench: Bench) throws -> [Outcome] {
  let file = bench.weights(of: try bench.model(layers: 1))
  let tensor = "model.layers.0.mlp.experts.7.gate_proj.weight"
  let matrix = bench.work + "/matrix.f32"
  defer { remove(matrix) }
  let ours = try bench.worker("blocks", [file, tensor, bench.isQuick ? "352" : "1408", matrix])
  let (rows, columns) = (ours.facts["rows"]?.integer ?? 0, ours.facts["columns"]?.integer ?? 0)
  let peer = try bench.peer("blocks", [matrix, String(rows), String(columns)])
  let millions = Double(rows * columns) / 1e6
  var worst = (excess: -Double.infinity, title: "")
  func outcome(_ title: String, _ word: String, aims: [Outcome.Aim]) throws -> Outcome {
    // The first round warms up, and gives the errors.
    let error = (
      ours: try ours.ask(word)["error"]?.double, peer: try peer?.ask(word)["error"]?.double
    )
    if let own = error.ours, let theirs = error.peer {
      let excess = own / theirs - 1
      if !(excess <= worst.excess) { worst = (excess, title) }
    }
    let speeds = try interleave(
      bench.rounds,
      ours: { millions / (try ours.seconds(word)) },
      peer: peer.map { peer in { millions / (try peer.seconds(word)) } }
    )
    return Outcome(
      name: "encoders: \(title)",
      kind: .rate(unit: "M/s"),
      ours: speeds.ours,
      peerName: peer == nil ? Bench.missing : "ggml",
      peer: speeds.peer,
      aims: aims
    )
  }
  var outcomes: [Outcome] = []
  for name in blockTypes {
    outcomes.append(try outcome(name, "encode " + name, aims: [.ratio(1)]))
    if !unweighted.contains(name) {
      let title = name + ", by importance"
      outcomes.append(try outcome(title, "encode-weighted " + name, aims: [.ratio(1)]))
    }
    outcomes.append(try outcome(name + ", decode", "decode " + name, aims: []))
  }
  if peer != nil {
    outcomes.append(
      Outcome(
        name: "encoders: squared error over ggml's",
        kind: .cost(unit: ""),
        ours: [worst.excess],
        peerName: "",
        aims: [.value(1e-3)],
        note: "\(rows)x\(columns); the worst type is \(worst.title)"
      )
    )
  }
  return outcomes
}
