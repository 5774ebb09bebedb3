import JSON

/// Factoring of expert matrices to rank 417 against LAPACK's sgesdd, one thread each, both with the
/// same OpenBLAS.
func factorRow(_ bench: Bench) throws -> [Outcome] {
  let file = bench.weights(of: try bench.model(layers: 1))
  var outcomes: [Outcome] = []
  for projection in ["gate_proj", "down_proj"] {
    let tensor = "model.layers.0.mlp.experts.7.\(projection).weight"
    let worker = try bench.worker("factor", [file, tensor, "417"])
    let rows = worker.facts["rows"]?.integer ?? 0
    let columns = worker.facts["columns"]?.integer ?? 0
    for route in ["plain", "whitened"] {
      var excess = (ours: 0.0, peer: 0.0)
      let costs = try interleave(
        bench.isQuick ? 1 : 3,
        ours: {
          let answer = try worker.ask(route)
          excess.ours = answer["excess"]?.double ?? .nan
          return answer["seconds"]?.double ?? .nan
        },
        peer: {
          let answer = try worker.ask(route + "-lapack")
          excess.peer = answer["excess"]?.double ?? .nan
          return answer["seconds"]?.double ?? .nan
        }
      )
      outcomes.append(
        Outcome(
          name: "factor: \(rows)x\(columns), \(route)",
          kind: .cost(unit: "s"),
          ours: costs.ours,
          peerName: "sgesdd",
          peer: costs.peer,
          aims: [.ratio(2.5)]
        )
      )
      outcomes.append(
        Outcome(
          name: "factor: error over the optimum",
          kind: .cost(unit: ""),
          ours: [excess.ours],
          peerName: "sgesdd: \(digits(excess.peer))",
          aims: [.value(1e-4)]
        )
      )
    }
  }
  return outcomes
}
