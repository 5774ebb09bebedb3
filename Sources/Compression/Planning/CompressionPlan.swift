package import JSON

/// What compression will do to each layer, and why: a plain value saved as JSON; Formats/plan.md.
package struct CompressionPlan: Sendable, Equatable {
  /// A token stream, as plans know it again.
  package struct Stream: Sendable, Equatable {
    /// SHA-256 of its context and token ids.
    package var sha256: String
    /// Number of tokens.
    package var tokens: Int
    /// Tokens per window.
    package var context: Int
  }

  /// One MoE layer.
  package struct Layer: Sendable, Equatable {
    /// Index of the decoder layer.
    package var layer: Int
    /// Number of experts in the original.
    package var experts: Int
    /// Experts that stay, ascending.
    package var kept: [Int]
    /// Rank of each kept expert's gate, up and down; nil where dense.
    package var ranks: [[Int?]]
    /// Element type of each kept expert's factors (and of nothing where dense).
    package var types: [String]
    /// Number of calibration tokens.
    package var tokens: Int
    /// Tokens each original expert got in the importance matrix that the plan goes by; empty where
    /// it goes by a measurement.
    package var expertTokens: [Int] = []
    /// Leave-one-out error of each original expert; empty where it was not measured.
    package var leaveOneOut: [Double]
    /// Sets that were proposed, best first.
    package var candidates: [ExpertSet]
    /// Relative output error of the set that was chosen, on the sample.
    package var pruningError: Double
    /// Leave-one-out error of each kept expert in the pruned model.
    package var importanceAfterPruning: [Double]
    /// Average rank R_a; nil if dense.
    package var averageRank: Double?
    /// The paper's ranks, before caps and leftovers; empty if dense.
    package var ranksBeforeCap: [Int]

    /// Whether nothing is factored.
    package var ranksAreDense: Bool { ranks.allSatisfy { $0.allSatisfy { $0 == nil } } }

    /// Importance of the layer: the sum of the leave-one-out errors.
    package var importance: Double { leaveOneOut.reduce(0, +) }
  }

  /// Fingerprint of the model: configuration, names, shapes, sizes.
  package var model: String
  /// The token stream it was measured on; nil where no text was looked at, and then any will do.
  package var stream: Stream?
  /// The options it was made with.
  package var options: JSONValue
  /// Layers with experts, ascending.
  package var layers: [Layer]
  /// What the reception field found.
  package var receptionField: [ReceptionField.Block]

  /// Kept experts by layer.
  package var kept: [Int: [Int]] {
    Dictionary(layers.map { ($0.layer, $0.kept) }, uniquingKeysWith: { first, _ in first })
  }
}

// MARK: - JSON

extension CompressionPlan {
  /// Version of the file.
  static let version = 1

  /// The plan as it is saved.
  package var json: JSONValue {
    [
      "version": JSONValue(CompressionPlan.version), "model": .string(model),
      "stream": stream?.json ?? .null,
      "options": options,
      "layers": .array(layers.map(\.json)),
      "receptionField": .array(receptionField.map(\.json)),
    ]
  }
}

extension CompressionPlan.Stream {
  /// The stream as the plan says it.
  var json: JSONValue {
    ["sha256": .string(sha256), "tokens": JSONValue(tokens), "context": JSONValue(context)]
  }
}

extension CompressionPlan.Layer {
  /// A layer that keeps all of its `experts` and was not measured.
  init(_ layer: Int, experts: Int, tokens: Int) {
    self.layer = layer
    self.experts = experts
    kept = Array(0..<experts)
    ranks = []
    types = []
    self.tokens = tokens
    leaveOneOut = []
    candidates = []
    pruningError = 0
    importanceAfterPruning = []
    averageRank = nil
    ranksBeforeCap = []
  }

  /// The layer as the plan and reports say it.
  package var json: JSONValue {
    var object = JSONObject()
    object["layer"] = JSONValue(layer)
    object["experts"] = JSONValue(experts)
    object["tokens"] = JSONValue(tokens)
    object["kept"] = JSONValue(kept)
    if !expertTokens.isEmpty { object["expertTokens"] = JSONValue(expertTokens) }
    object["leaveOneOut"] = JSONValue(leaveOneOut)
    object["importance"] = JSONValue(importance)
    object["candidates"] = .array(candidates.map(\.json))
    object["pruningError"] = JSONValue(pruningError)
    object["importanceAfterPruning"] = JSONValue(importanceAfterPruning)
    object["averageRank"] = averageRank.map { JSONValue($0) } ?? .null
    object["ranksBeforeCap"] = JSONValue(ranksBeforeCap)
    object["ranks"] = .array(
      zip(kept, ranks).map { expert, ranks in
        func value(_ place: Int) -> JSONValue { ranks[place].map { JSONValue($0) } ?? .null }
        return [
          "expert": JSONValue(expert), "gate": value(0), "up": value(1), "down": value(2),
        ]
      }
    )
    object["types"] = .array(types.map { .string($0) })
    return .object(object)
  }
}

extension ExpertSet {
  /// The set as plans, reports and journals say it.
  var json: JSONValue { ["pruned": JSONValue(pruned), "error": JSONValue(error)] }

  /// The set that `json` describes.
  init(json: JSONValue) {
    pruned = (json["pruned"]?.array ?? []).compactMap(\.integer)
    error = json["error"]?.double ?? 0
  }
}

extension ReceptionField.Block {
  /// The block as the plan and reports say it.
  package var json: JSONValue {
    [
      "layers": JSONValue(layers),
      "best": .array(best.map { ["choice": JSONValue($0.choice), "error": JSONValue($0.error)] }),
    ]
  }
}
