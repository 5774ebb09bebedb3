/// A reason a plan cannot be made or carried out.
package enum PlanError: Error, Equatable, CustomStringConvertible {
  /// More experts to prune than layers can give.
  case pruneTooMuch(ratio: Double, largest: Double)
  /// Rank multiple at or past break-even.
  case rankMultipleTooLarge(multiple: Int, breakEven: Double)
  /// Average rank at or past break-even.
  case rankTooLarge(rank: Double, breakEven: Double)
  /// Average rank below one.
  case rankTooSmall(rank: Double)
  /// More combinations per block than are tried.
  case tooManyCombinations(sets: Int, blocks: Int)
  /// Too many sets to enumerate.
  case tooManySets(experts: Int, pruned: Int)
  /// `--protect` names something that is not there.
  case unknownExpert(layer: Int, expert: Int)
  /// Statistics hold fewer candidates than the counts need.
  case tooFewCandidates(layer: Int, have: Int, need: Int)
  /// Statistics were sampled at another number of tokens.
  case otherSample(have: Int, want: Int)
  /// A plan file breaks a rule.
  case invalidPlan(file: String, place: String, reason: String)
  /// A plan was made for another model or text.
  case otherSource(file: String, what: String, remedy: String)
  /// An importance matrix does not say how often a layer's experts are used.
  case noFrequencies(file: String, layer: Int, reason: String)
  /// The model has no routed experts.
  case noExperts(model: String)
  /// A model that is compressed already.
  case notCompressible(model: String, reason: String)

  /// What is wrong and what helps.
  package var description: String {
    switch self {
    case .pruneTooMuch(let ratio, let largest):
      "--prune \(ratio) asks for more experts than the layers can lose while each keeps its top-k;"
        + " the largest possible is \(largest)"
    case .rankMultipleTooLarge(let multiple, let limit):
      "--rank-multiple \(multiple) is not below the break-even rank \(limit) of this model's experts"
    case .rankTooLarge(let rank, let limit):
      "an average rank of \(rank) is not below break-even, \(limit): factors would be larger than the"
        + " matrices; lower it, or give --rank-keep dense"
    case .rankTooSmall(let rank):
      "an average rank of \(rank) is below one; raise --rank-keep or --average-rank"
    case .tooManyCombinations(let sets, let blocks):
      "\(sets) sets in blocks of \(blocks) layers are more than 10000 combinations a block; lower"
        + " --reception-sets or --reception-blocks"
    case .tooManySets(let experts, let pruned):
      "--select exhaustive: too many sets of \(pruned) of \(experts) experts; use genetic"
    case .unknownExpert(let layer, let expert):
      "--protect \(layer):\(expert): there is no such expert"
    case .tooFewCandidates(let layer, let have, let need):
      "the statistics of layer \(layer) hold \(have) experts per token, but \(need) are needed;"
        + " calibrate again with the same --prune, --allocate and --lambda"
    case .otherSample(let have, let want):
      "the statistics were sampled at \(have) tokens, and --search-tokens asks for \(want); give the"
        + " number that calibrate was given, or calibrate again"
    case .invalidPlan(let file, let place, let reason): "\(file): \(place): \(reason)"
    case .otherSource(let file, let what, let remedy): "\(file): \(what); \(remedy)"
    case .noFrequencies(let file, let layer, let reason):
      "\(file): does not say how often the experts of layer \(layer) are used: \(reason); make it"
        + " of this model, with llama-imatrix (GGUF output) or calibrate --imatrix"
    case .noExperts(let model):
      "\(model): has no layer with routed experts, so there is nothing to do"
    case .notCompressible(let model, let reason): "\(model): \(reason)"
    }
  }
}
