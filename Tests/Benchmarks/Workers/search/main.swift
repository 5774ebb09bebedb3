// search: times the genetic search in one layer, on one thread, and one evaluation of a set done
// in the straightforward way, on the outputs of the experts.
//
// Words: search, direct. 60 experts of which a token uses 4, 15 to be pruned, 4096 tokens, hidden
// size 2048, the paper's settings; outputs and router logits are random.

import Calibration
import Compression
import Inference
import LinearAlgebra
import Worker

let layer = LayerSample(tokens: 4096, experts: 60, topK: 4, pruned: 15, hidden: 2048, seed: 1)
let (seconds, sample) = timed { layer.gramSample }
var sets: [ExpertSet] = []
serve(["gramSeconds": seconds]) { word in
  switch word {
  case "search":
    let (seconds, found) = try timed {
      let error = SetError(sample, rule: layer.rule)
      let search = ExpertSetSearch(
        layer: 0,
        choices: Array(0..<layer.experts),
        count: layer.pruned,
        proposals: 3,
        options: MethodOptions(),
        threads: 1
      )
      return try search.run(error: error, use: [])
    }
    sets = found
    return ["seconds": seconds]
  case "direct":
    guard let set = sets.first else { fail("'direct' comes after 'search'") }
    let (seconds, error) = timed { layer.directError(pruning: set.pruned) }
    return ["seconds": seconds, "difference": abs(error - set.error) / error]
  default: fail("unknown word '\(word)'")
  }
}
