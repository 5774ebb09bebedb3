import JSON

/// The genetic search in one layer against the same search on the outputs of the experts, one
/// thread each.
///
/// Of the straightforward way one evaluation is timed; a whole search has 4100 of them.
func searchRow(_ bench: Bench) throws -> [Outcome] {
  let worker = try bench.worker("search")
  let evaluations = 4100.0
  var difference = 0.0
  let costs = try interleave(
    bench.isQuick ? 1 : 3,
    ours: { try worker.seconds("search") },
    peer: {
      let answer = try worker.ask("direct")
      difference = answer["difference"]?.double ?? .nan
      return evaluations * (answer["seconds"]?.double ?? .nan)
    }
  )
  return [
    Outcome(
      name: "search: 60 experts, 15 pruned",
      kind: .cost(unit: "s"),
      ours: costs.ours,
      peerName: "on outputs",
      peer: costs.peer,
      aims: [.value(3)],
      note: "peer: one evaluation times \(Int(evaluations)); errors of a set differ by "
        + "\(digits(difference)); inner products beforehand, "
        + "\(digits(worker.facts["gramSeconds"]?.double ?? .nan)) s"
    )
  ]
}
