import JSON

/// The whole of `evaluate` against transformers in float32: the same model, tokens and threads.
///
/// Ours reads and widens the weights while it is timed, theirs are in memory before.
func forwardRow(_ bench: Bench) throws -> [Outcome] {
  let model = try bench.model(layers: bench.isQuick ? 1 : 2)
  let (tokens, context) = (bench.isQuick ? 2048 : 4096, 512)
  let ids = model + "/ids.json"
  let peer = try bench.peer("forward", [model, ids, String(tokens), String(context)])
  var perplexities = (ours: Double.nan, peer: Double.nan)
  func ours(_ threads: Int) throws -> Double {
    let cost = try bench.runTool([
      "evaluate", model, "--ids", ids, "--tokens", String(tokens), "--context", String(context),
      "--threads", String(threads), "--json",
    ])
    let json = try JSONValue(parsing: Array(cost.output.utf8))
    perplexities.ours = json["perplexity"]?.double ?? .nan
    return Double(tokens) / cost.seconds
  }
  _ = try ours(2)
  var outcomes: [Outcome] = []
  for threads in [1, 2] {
    for (word, title, aim) in [
      ("batch", "all windows together", 1.0), ("windows", "window by window", 1.3),
    ] {
      let speeds = try interleave(
        bench.longRounds,
        ours: { try ours(threads) },
        peer: peer.map { peer in
          {
            let answer = try peer.ask("\(word) \(threads)")
            perplexities.peer = answer["perplexity"]?.double ?? .nan
            return Double(tokens) / (answer["seconds"]?.double ?? .nan)
          }
        }
      )
      outcomes.append(
        Outcome(
          name: "forward: \(title), \(threads) thr.",
          kind: .rate(unit: "tokens/s"),
          ours: speeds.ours,
          peerName: peer == nil ? Bench.missing : "transformers",
          peer: speeds.peer,
          aims: [.ratio(aim)]
        )
      )
    }
  }
  if peer != nil {
    let difference = abs(perplexities.ours / perplexities.peer - 1)
    outcomes[outcomes.count - 1].note =
      "\(tokens) tokens in windows of \(context); perplexities differ by \(digits(difference))"
  }
  return outcomes
}
