internal import Checkpoint
package import JSON

extension FactoringRecord {
  /// The record as reports and journals say it.
  package var json: JSONValue {
    [
      "expert": JSONValue(expert), "projection": .string(projection), "rank": JSONValue(rank),
      "weightError": JSONValue(weightError),
      "outputError": outputError.map { JSONValue($0) } ?? .null, "type": .string(type),
    ]
  }

  /// The record that `json` describes, or nil.
  init?(json: JSONValue) {
    guard let expert = json["expert"]?.integer, let projection = json["projection"]?.string,
      let rank = json["rank"]?.integer, let weightError = json["weightError"]?.double,
      let type = json["type"]?.string
    else { return nil }
    self.init(
      expert: expert,
      projection: projection,
      rank: rank,
      weightError: weightError,
      outputError: json["outputError"]?.double,
      type: type
    )
  }
}

extension Compressor.Result {
  /// The result that `json` describes, or nil; `file` names it in errors of its plan.
  init?(json: JSONValue, for checkpoint: Checkpoint, file: String) throws {
    guard let plan = json["plan"], let outputBytes = json["bytes"]?.integer,
      let expertBytes = json["expertBytes"]?.integer
    else { return nil }
    self.plan = try CompressionPlan(
      json: plan,
      file: file,
      for: checkpoint,
      allowsOtherWeights: true
    )
    self.outputBytes = outputBytes
    outputExpertBytes = expertBytes
    factoring = [:]
    for entry in json["factoring"]?.array ?? [] {
      guard let layer = entry["layer"]?.integer else { return nil }
      factoring[layer] = (entry["matrices"]?.array ?? []).compactMap(FactoringRecord.init(json:))
    }
  }

  /// The result as the journal keeps it once the pack is whole, beside the pack's bytes.
  var json: JSONObject {
    let layers = factoring.keys.sorted().map { layer -> JSONValue in
      [
        "layer": JSONValue(layer), "matrices": .array((factoring[layer] ?? []).map(\.json)),
      ]
    }
    var object = JSONObject()
    object["expertBytes"] = JSONValue(outputExpertBytes)
    object["plan"] = plan.json
    object["factoring"] = .array(layers)
    return object
  }
}
