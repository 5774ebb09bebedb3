import Calibration
import Compression
import Inference
import LinearAlgebra
import Testing

@Suite("Error of a set of experts")
struct SetErrorTests {
  /// Outputs and logits of a few tokens, from which the error follows by its definition.
  struct Example {
    let tokens = 9
    let experts = 7
    let width = 5
    var outputs: [[[Double]]] = []
    var logits: [[Float]] = []

    init(seed: UInt64) {
      var generator = SeededGenerator(seed: seed)
      for _ in 0..<tokens {
        outputs.append(
          (0..<experts).map { _ in (0..<width).map { _ in generator.nextUniform() * 2 - 1 } }
        )
        logits.append((0..<experts).map { _ in Float(generator.nextUniform() * 4) })
      }
      // Equal logits: the lower expert must win.
      logits[0][3] = logits[0][1]
      logits[1] = Array(repeating: 1, count: experts)
    }

    /// Y_S of one token.
    func output(_ token: Int, kept: [Int], rule: RoutingRule) -> [Double] {
      let order = kept.sorted {
        let (a, b) = (logits[token][$0], logits[token][$1])
        return a != b ? a > b : $0 < $1
      }
      let chosen = order.prefix(rule.topK)
      let all = kept.map { exponential(Double(logits[token][$0])) }.reduce(0, +)
      let some = chosen.map { exponential(Double(logits[token][$0])) }.reduce(0, +)
      var y = [Double](repeating: 0, count: width)
      for expert in chosen {
        let weight = exponential(Double(logits[token][expert])) / (rule.normalizesTopK ? some : all)
        for i in 0..<width { y[i] += weight * outputs[token][expert][i] }
      }
      return y
    }

    func error(pruned: [Int], rule: RoutingRule) -> Double {
      let all = Array(0..<experts)
      let kept = all.filter { !pruned.contains($0) }
      var (change, norm) = (0.0, 0.0)
      for token in 0..<tokens {
        let (a, b) = (output(token, kept: all, rule: rule), output(token, kept: kept, rule: rule))
        for i in 0..<width {
          change += (a[i] - b[i]) * (a[i] - b[i])
          norm += a[i] * a[i]
        }
      }
      return (change / norm).squareRoot()
    }

    func sample(candidates: Int) -> GramSample {
      var gram: [Float] = []
      var chosen: [Int32] = []
      for token in 0..<tokens {
        var order = (0..<experts).sorted {
          let (a, b) = (logits[token][$0], logits[token][$1])
          return a != b ? a > b : $0 < $1
        }
        order = candidates == experts ? Array(0..<experts) : Array(order.prefix(candidates))
        chosen += order.map { Int32($0) }
        for i in 0..<candidates {
          for j in 0...i {
            let (a, b) = (outputs[token][order[i]], outputs[token][order[j]])
            gram.append(Float(zip(a, b).map { $0 * $1 }.reduce(0, +)))
          }
        }
      }
      return GramSample(
        tokenCount: tokens,
        experts: experts,
        candidates: candidates,
        logits: logits.flatMap { $0 },
        candidateExperts: candidates == experts ? nil : chosen,
        gram: gram
      )
    }
  }

  @Test(
    "it is what the definition says, for every set and with as few candidates as it needs",
    arguments: [false, true],
    [1, 2, 3]
  )
  func definition(normalizes: Bool, topK: Int) {
    let example = Example(seed: 11)
    let rule = RoutingRule(topK: topK, normalizesTopK: normalizes)
    for bits in 0..<(1 << example.experts) {
      let pruned = (0..<example.experts).filter { bits >> $0 & 1 == 1 }
      guard example.experts - pruned.count >= topK else { continue }
      let expected = example.error(pruned: pruned, rule: rule)
      for candidates in [min(example.experts, topK + pruned.count), example.experts] {
        let error = SetError(example.sample(candidates: candidates), rule: rule)(pruning: pruned)
        // Gram entries are Float32, so differences below 1e-7 of the norm are rounding.
        #expect(abs(error - expected) < 1e-6, "\(pruned) with \(candidates) candidates")
      }
    }
  }
}

private func exponential(_ x: Double) -> Double {
  var (term, sum) = (1.0, 1.0)
  for i in 1..<60 {
    term *= x / Double(i)
    sum += term
  }
  return sum
}
