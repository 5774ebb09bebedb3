package import JSON

extension MethodOptions {
  /// The options a plan records, as far as they matter once its choices are made.
  ///
  /// - Throws: ``PlanError/invalidPlan(file:place:reason:)`` if `factor`, `factorType` or `prune`
  ///   is missing or not understood.
  package init(json: JSONValue, file: String) throws {
    self.init()
    func invalid(_ key: String) -> PlanError {
      .invalidPlan(file: file, place: "options.\(key)", reason: "is missing or not understood")
    }
    guard let factoring = json["factor"]?.string.flatMap(Factoring.init(rawValue:)) else {
      throw invalid("factor")
    }
    guard let type = json["factorType"]?.string, factorTypes.contains(type) else {
      throw invalid("factorType")
    }
    guard let prune = json["prune"]?.double, (0..<1).contains(prune) else { throw invalid("prune") }
    self.factoring = factoring
    factorType = type
    // Choices were checked with the plan; what is not needed again stays at values that fit any model.
    self.prune = 0
    allocation = .uniform
    rank = .dense
    selection = .auto
  }
}
