package import Checkpoint
package import JSON
internal import Storage
package import SystemPackage
internal import Tensors

extension CompressionPlan {
  /// Reads a plan file and checks every rule it must keep for `checkpoint`.
  ///
  /// Kept experts, ranks and types may have been edited; the measured reasons are taken as they
  /// are.
  ///
  /// - Parameters:
  ///   - path: The plan file.
  ///   - checkpoint: The model it is for.
  ///   - allowsOtherWeights: Accept the same shapes under another configuration.
  /// - Throws: ``PlanError`` naming the place of the first broken rule, or `StorageError`.
  package init(
    reading path: FilePath,
    for checkpoint: Checkpoint,
    allowsOtherWeights: Bool = false
  ) throws {
    let bytes = try FileSystem.contents(of: path, limit: 64 << 20)
    do {
      try self.init(
        json: try JSONValue(parsing: bytes),
        file: path.string,
        for: checkpoint,
        allowsOtherWeights: allowsOtherWeights
      )
    } catch let error as JSONError {
      throw PlanError.invalidPlan(
        file: path.string,
        place: "byte \(error.offset)",
        reason: "expected \(error.expected)"
      )
    }
  }

  /// A plan from its JSON, checked like a file; `file` names it in errors.
  package init(
    json: JSONValue,
    file: String,
    for checkpoint: Checkpoint,
    allowsOtherWeights: Bool = false
  ) throws {
    let c = try checkpoint.requireConfiguration()
    let reader = PlanReader(file: file)
    guard json["version"]?.integer == CompressionPlan.version else {
      throw reader.error(
        "version",
        "expected \(CompressionPlan.version); is this a plan of this tool?"
      )
    }
    model = try reader.string(json["model"], "model")
    // A plan of another model would break rules that say nothing of the real reason.
    try CompressionPlan.require(
      model,
      checkpoint,
      file: file,
      allowsOtherWeights: allowsOtherWeights
    )
    stream = try json["stream"] == .null ? nil : reader.stream(json["stream"])
    options = json["options"] ?? [:]
    let entries = try reader.array(json["layers"], "layers")
    layers = try entries.enumerated().map { try reader.layer($1, "layers[\($0)]", c) }
    guard layers.map(\.layer) == c.moeLayers else {
      throw reader.error("layers", "must be the model's layers with experts, \(c.moeLayers)")
    }
    receptionField = try reader.array(json["receptionField"] ?? [], "receptionField").map { block in
      guard let block = ReceptionField.Block(json: block) else {
        throw reader.error("receptionField", "expected blocks with layers and best")
      }
      return block
    }
  }
}

extension ReceptionField.Block {
  /// The block that ``json`` describes, or nil.
  init?(json: JSONValue) {
    guard let layers = json["layers"]?.array?.compactMap(\.integer),
      let best = json["best"]?.array
    else { return nil }
    self.layers = layers
    self.best = best.map { entry in
      ReceptionField.Combination(
        choice: (entry["choice"]?.array ?? []).compactMap(\.integer),
        error: entry["error"]?.double ?? 0
      )
    }
  }
}

/// Reads parts of a plan and names what is wrong with them.
private struct PlanReader {
  let file: String

  func stream(_ json: JSONValue?) throws -> CompressionPlan.Stream {
    CompressionPlan.Stream(
      sha256: try string(json?["sha256"], "stream.sha256"),
      tokens: try count(json?["tokens"], "stream.tokens", in: 1...Int.max),
      context: try count(json?["context"], "stream.context", in: 1...Int.max)
    )
  }

  func layer(_ json: JSONValue, _ place: String, _ c: ModelConfiguration) throws
    -> CompressionPlan.Layer
  {
    let index = try count(json["layer"], "\(place).layer", in: 0...c.layerCount - 1)
    let kept = try array(json["kept"], "\(place).kept").map(\.integer)
    let experts = kept.compactMap { $0 }
    guard experts.count == kept.count, experts.allSatisfy({ (0..<c.expertCount).contains($0) }),
      zip(experts, experts.dropFirst()).allSatisfy(<)
    else {
      throw error(
        "\(place).kept",
        "must be experts from 0 to \(c.expertCount - 1), ascending, none twice"
      )
    }
    guard experts.count >= min(c.topK, c.expertCount) else {
      throw error("\(place).kept", "\(experts.count) experts are fewer than the top-k, \(c.topK)")
    }
    let limit = Int(breakEvenRank(rows: c.expertWidth, columns: c.hiddenSize).rounded(.up)) - 1
    let entries = try array(json["ranks"], "\(place).ranks")
    guard entries.map({ $0["expert"]?.integer }) == experts.map({ $0 }) else {
      throw error("\(place).ranks", "must name the kept experts in their order")
    }
    let ranks = try entries.enumerated().map { number, entry in
      try ["gate", "up", "down"].map { key -> Int? in
        guard let value = entry[key], !value.isNull else { return nil }
        return try count(value, "\(place).ranks[\(number)].\(key)", in: 1...max(1, limit))
      }
    }
    let types = try array(json["types"], "\(place).types").map { try string($0, "\(place).types") }
    guard types.count == experts.count else {
      throw error("\(place).types", "must have one type per kept expert")
    }
    if let wrong = types.first(where: { !factorTypes.contains($0) }) {
      throw error("\(place).types", "'\(wrong)' is none of \(factorTypes.joined(separator: ", "))")
    }
    func numbers(_ key: String) -> [Double] { (json[key]?.array ?? []).compactMap(\.double) }
    return CompressionPlan.Layer(
      layer: index,
      experts: c.expertCount,
      kept: experts,
      ranks: ranks,
      types: types,
      tokens: json["tokens"]?.integer ?? 0,
      expertTokens: (json["expertTokens"]?.array ?? []).compactMap(\.integer),
      leaveOneOut: numbers("leaveOneOut"),
      candidates: (json["candidates"]?.array ?? []).map(ExpertSet.init(json:)),
      pruningError: json["pruningError"]?.double ?? 0,
      importanceAfterPruning: numbers("importanceAfterPruning"),
      averageRank: json["averageRank"]?.double,
      ranksBeforeCap: (json["ranksBeforeCap"]?.array ?? []).compactMap(\.integer)
    )
  }

  func string(_ value: JSONValue?, _ place: String) throws -> String {
    guard let string = value?.string else { throw error(place, "expected a string") }
    return string
  }

  func array(_ value: JSONValue?, _ place: String) throws -> [JSONValue] {
    guard let array = value?.array else { throw error(place, "expected a list") }
    return array
  }

  func count(_ value: JSONValue?, _ place: String, in range: ClosedRange<Int>) throws -> Int {
    guard let number = value?.integer, range.contains(number) else {
      throw error(place, "expected a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  func error(_ place: String, _ reason: String) -> PlanError {
    .invalidPlan(file: file, place: place, reason: reason)
  }
}

/// Element types that factors can have: floats, and ggml's blocks that can be written.
package let factorTypes =
  ["BF16", "F16", "F32"]
  + ElementType.known.filter { $0.isEncodable && $0.blockElements > 1 }.map(\.name)

extension CompressionPlan {
  /// Refuses a plan that was made for another model.
  ///
  /// - Parameters:
  ///   - model: The fingerprint in the plan.
  ///   - checkpoint: The model to compress.
  ///   - file: The plan's file name, for the message.
  ///   - allowsOtherWeights: Whether a model of the same shapes will do (`--allow-other-weights`).
  /// - Throws: ``PlanError/otherSource(file:what:remedy:)`` if the fingerprints differ.
  static func require(
    _ model: String,
    _ checkpoint: Checkpoint,
    file: String,
    allowsOtherWeights: Bool
  ) throws {
    if model == checkpoint.fingerprint { return }
    let isSameShape = model.hasSuffix("-" + checkpoint.shapeFingerprint)
    guard allowsOtherWeights, isSameShape else {
      throw PlanError.otherSource(
        file: file,
        what: "was made for another model (\(model), here \(checkpoint.fingerprint))",
        remedy: isSameShape
          ? "give --allow-other-weights if it is a fine-tune of the same shapes"
          : "plan this model on its own"
      )
    }
  }

  /// Refuses a plan that was made from another token stream than `given`.
  package func require(_ given: Stream, file: String) throws {
    guard let stream, stream.sha256 != given.sha256 else { return }
    throw PlanError.otherSource(
      file: file,
      what: "was made from another token stream (\(stream.tokens) tokens in windows of"
        + " \(stream.context), here \(given.tokens) in windows of \(given.context))",
      remedy: "give the same --calibration or --ids, --tokens and --context as to plan"
    )
  }
}
