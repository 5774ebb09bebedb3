internal import Checkpoint

/// Which experts an output keeps: those of the source, or those of a plan; as many in every layer where
/// a stock runtime is to load it.
struct ExpertSelection {
  /// Original numbers by layer, ascending.
  let kept: [Int: [Int]]
  /// Experts per layer, the most where layers differ.
  let count: Int

  /// Checks the counts.
  ///
  /// - Parameters:
  ///   - source: The model.
  ///   - plan: Experts to keep by layer; nil keeps what the source has.
  ///   - runtime: Who takes one number only, for the error; nil where layers may differ.
  /// - Throws: ``ConversionError/notExpressible(source:reason:remedy:)``.
  init(_ source: Checkpoint, plan: [Int: [Int]]?, runtime: String?) throws {
    let c = try source.requireConfiguration()
    var kept = source.keptExperts
    for (layer, experts) in plan ?? [:] { kept[layer] = experts }
    let counts = Set(c.moeLayers.map { kept[$0]?.count ?? c.expertCount })
    if counts.count > 1, let runtime {
      throw ConversionError.notExpressible(
        source: source.location.path,
        reason: "its layers keep different numbers of experts (\(counts.min() ?? 0) to"
          + " \(counts.max() ?? 0)), and \(runtime) takes one number for all",
        remedy: "compress with --uniform, or keep it as .moepack"
          + (runtime == "llama.cpp" ? ", or write it with --factored for moepack alone" : "")
      )
    }
    self.kept = kept
    count = counts.max() ?? c.expertCount
  }
}
