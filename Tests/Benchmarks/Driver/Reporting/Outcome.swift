import JSON

/// What a row of the table says: measured numbers of ours and of a peer, taken in turns.
struct Outcome {
  /// What the numbers of a row are.
  enum Kind {
    /// More is better: a speed, a ratio of compression.
    case rate(unit: String)
    /// Less is better: seconds, an error.
    case cost(unit: String)

    var unit: String {
      switch self {
      case .rate(let unit), .cost(let unit): unit
      }
    }
  }

  /// What is wanted of the medians.
  enum Aim {
    /// Ours at least this, for rates, or at most, for costs.
    case value(Double)
    /// At least this much better than the peer.
    case ratio(Double)
  }

  var name: String
  var kind: Kind
  var ours: [Double]
  var peerName: String
  /// As many numbers as `ours`, or none where the peer is missing.
  var peer: [Double] = []
  var aims: [Aim] = []
  var note = ""

  /// How much better ours is than the peer, round by round; above 1 is better.
  var ratios: [Double] {
    zip(ours, peer).map { ours, peer in
      switch kind {
      case .rate: ours / peer
      case .cost: peer / ours
      }
    }
  }

  /// Whether an aim is met; nil where there is no peer to compare with.
  func meets(_ aim: Aim) -> Bool? {
    switch aim {
    case .ratio(let least): return peer.isEmpty ? nil : median(ratios) >= least
    case .value(let bound):
      if case .rate = kind { return median(ours) >= bound }
      return median(ours) <= bound
    }
  }

  var json: JSONValue {
    [
      "row": .string(name), "unit": .string(kind.unit), "ours": JSONValue(ours),
      "peerName": .string(peerName), "peer": JSONValue(peer), "ratios": JSONValue(ratios),
      "medianRatio": ratios.isEmpty ? .null : JSONValue(median(ratios)),
      "aims": .array(
        aims.map { aim in
          let met = meets(aim).map { JSONValue.bool($0) } ?? .null
          switch aim {
          case .value(let bound): return ["value": JSONValue(bound), "met": met]
          case .ratio(let least): return ["ratio": JSONValue(least), "met": met]
          }
        }
      ),
      "note": .string(note),
    ]
  }
}

/// The middle of `values`, or the mean of the two middle ones.
func median(_ values: [Double]) -> Double {
  let sorted = values.sorted()
  guard let last = sorted.last else { return .nan }
  let half = sorted.count / 2
  return sorted.count % 2 == 1 ? sorted[half] : (sorted[half - 1] + min(sorted[half], last)) / 2
}

/// Measures two things in turns, so that noise hits both alike.
///
/// - Parameters:
///   - rounds: How often each is measured.
///   - ours: Gives one number of ours.
///   - peer: Gives one number of the peer; nil if it is missing.
/// - Returns: Both sides' numbers, round by round.
/// - Throws: What they throw.
func interleave(
  _ rounds: Int,
  ours: () throws -> Double,
  peer: (() throws -> Double)?
) throws -> (ours: [Double], peer: [Double]) {
  var (first, second): ([Double], [Double]) = ([], [])
  for _ in 0..<rounds {
    first.append(try ours())
    if let peer { second.append(try peer()) }
  }
  return (first, second)
}
