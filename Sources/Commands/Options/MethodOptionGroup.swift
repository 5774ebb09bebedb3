internal import ArgumentParser
internal import Compression

/// The choices of the method beside how many experts go.
struct MethodOptionGroup: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "How sets are found: auto, exhaustive, genetic, frequency or random (default: auto).",
      valueName: "rule"
    )
  )
  var select: MethodOptions.Selection?

  @Option(help: ArgumentHelp("Sets in a generation (default: 100).", valueName: "n"))
  var population: Int?

  @Option(help: ArgumentHelp("Generations (default: 50).", valueName: "n"))
  var generations: Int?

  @Option(
    help: ArgumentHelp(
      "Share of a generation that has offspring (default: 0.2).",
      valueName: "share"
    )
  )
  var parents: Double?

  @Option(
    help: ArgumentHelp("Chance that a child swaps an expert (default: 0.3).", valueName: "chance")
  )
  var mutation: Double?

  @Option(
    help: ArgumentHelp("Tokens of the reception field (default: 2048).", valueName: "n")
  )
  var receptionTokens: Int?

  @Option(
    help: ArgumentHelp("Sets per layer in the reception field, K (default: 3).", valueName: "n")
  )
  var receptionSets: Int?

  @Option(
    help: ArgumentHelp("Layers per block of the reception field, T (default: 3).", valueName: "n")
  )
  var receptionBlocks: Int?

  @Option(
    help: ArgumentHelp("Experts that are never pruned: LAYER:EXPERT,...", valueName: "list")
  )
  var protect: ProtectedExperts?

  @Option(
    help: ArgumentHelp(
      "Average rank as a share of break-even, or 'dense' for no low rank (default: 0.5).",
      valueName: "share"
    )
  )
  var rankKeep: RankKeep?

  @Option(help: ArgumentHelp("Average rank, in place of --rank-keep.", valueName: "rank"))
  var averageRank: Double?

  @Option(
    help: ArgumentHelp(
      "How strongly importance shapes ranks; 0 makes them equal (default: 0.15).",
      valueName: "a"
    )
  )
  var alpha: Double?

  @Option(help: ArgumentHelp("Added to every importance (default: 1e-6).", valueName: "e"))
  var epsilon: Double?

  @Option(help: ArgumentHelp("Ranks are multiples of this (default: 1).", valueName: "n"))
  var rankMultiple: Int?

  @Option(
    help: ArgumentHelp(
      "Factors best for the outputs (whitened) or for the weights (svd, the paper's) (default: whitened).",
      valueName: "method"
    )
  )
  var factor: MethodOptions.Factoring?

  @Option(
    help: ArgumentHelp(
      "Type of the factors: bf16, f16, f32, or a ggml type such as q8_0 (default: bf16).",
      valueName: "type"
    )
  )
  var factorType: FactorTypeArgument?

  func validate() throws {
    try TextOptions.requirePositive("--population", population, atMost: 1 << 20)
    try TextOptions.requirePositive("--reception-tokens", receptionTokens)
    try TextOptions.requirePositive("--reception-sets", receptionSets, atMost: 10_000)
    try TextOptions.requirePositive("--reception-blocks", receptionBlocks, atMost: 10_000)
    try TextOptions.requirePositive("--rank-multiple", rankMultiple, atMost: 1 << 20)
    if let generations, generations < 0 {
      throw ValidationError("--generations takes a number from 0")
    }
    try requireShare("--parents", parents, from: 1e-9)
    try requireShare("--mutation", mutation, from: 0)
    if let averageRank, !(averageRank >= 1 && averageRank < 1e9) {
      throw ValidationError("--average-rank takes a number from 1")
    }
    if let alpha, !(alpha >= 0 && alpha <= 100) {
      throw ValidationError("--alpha takes a number from 0 to 100")
    }
    if let epsilon, !(epsilon > 0 && epsilon < 1e9) {
      throw ValidationError("--epsilon takes a number above 0")
    }
    if rankKeep != nil, averageRank != nil {
      throw ValidationError("--rank-keep and --average-rank exclude each other")
    }
    if case .dense = rankKeep?.target {
      try refuse(rankOptions, because: "--rank-keep dense has no ranks")
    }
    if let select, select != .auto, select != .genetic {
      try refuse(geneticOptions, because: "--select \(select.rawValue) is no genetic search")
    }
  }

  /// Refuses options of stage one where it is off.
  func refuseStageOne() throws {
    let options: [(String, Bool)] = [
      ("--select", select != nil), ("--reception-tokens", receptionTokens != nil),
      ("--reception-sets", receptionSets != nil), ("--reception-blocks", receptionBlocks != nil),
      ("--protect", protect != nil),
    ]
    try refuse(
      options.filter(\.1).map(\.0) + geneticOptions,
      because: "--prune 0 prunes nothing"
    )
  }

  /// Names of the options that were given.
  var given: [String] {
    geneticOptions + rankOptions
      + [
        ("--select", select != nil), ("--reception-tokens", receptionTokens != nil),
        ("--reception-sets", receptionSets != nil), ("--reception-blocks", receptionBlocks != nil),
        ("--protect", protect != nil), ("--rank-keep", rankKeep != nil),
        ("--average-rank", averageRank != nil),
      ].filter(\.1).map(\.0)
  }

  /// Puts what was given into `options`.
  func apply(to options: inout MethodOptions) {
    if let select { options.selection = select }
    if let population { options.population = population }
    if let generations { options.generations = generations }
    if let parents { options.parents = parents }
    if let mutation { options.mutation = mutation }
    if let receptionTokens { options.receptionTokens = receptionTokens }
    if let receptionSets { options.receptionSets = receptionSets }
    if let receptionBlocks { options.receptionBlocks = receptionBlocks }
    if let protect { options.protected = protect.experts }
    if let rankKeep { options.rank = rankKeep.target }
    if let averageRank { options.rank = .average(averageRank) }
    if let alpha { options.alpha = alpha }
    if let epsilon { options.epsilon = epsilon }
    if let rankMultiple { options.rankMultiple = rankMultiple }
    if let factor { options.factoring = factor }
    if let factorType { options.factorType = factorType.name }
  }

  private var geneticOptions: [String] {
    [
      ("--population", population != nil), ("--generations", generations != nil),
      ("--parents", parents != nil), ("--mutation", mutation != nil),
    ].filter(\.1).map(\.0)
  }

  private var rankOptions: [String] {
    [
      ("--alpha", alpha != nil), ("--epsilon", epsilon != nil),
      ("--rank-multiple", rankMultiple != nil), ("--factor", factor != nil),
      ("--factor-type", factorType != nil),
    ].filter(\.1).map(\.0)
  }

  private func requireShare(_ name: String, _ value: Double?, from least: Double) throws {
    if let value, !(value >= least && value <= 1) {
      throw ValidationError("\(name) takes a share from 0 to 1, not \(value)")
    }
  }
}

/// `--rank-keep`: a share of break-even, or `dense`.
struct RankKeep: ExpressibleByArgument {
  let target: MethodOptions.RankTarget

  init?(argument: String) {
    if argument == "dense" {
      target = .dense
    } else if let share = Double(argument), share > 0, share < 1 {
      target = .share(share)
    } else {
      return nil
    }
  }
}

/// `--protect`: LAYER:EXPERT pairs.
struct ProtectedExperts: ExpressibleByArgument {
  let experts: [Int: [Int]]

  init?(argument: String) {
    var experts: [Int: [Int]] = [:]
    for pair in argument.split(separator: ",", omittingEmptySubsequences: false) {
      let parts = pair.split(separator: ":", omittingEmptySubsequences: false).map { Int($0) }
      guard parts.count == 2, let layer = parts[0], let expert = parts[1], layer >= 0, expert >= 0
      else { return nil }
      if !experts[layer, default: []].contains(expert) {
        experts[layer, default: []].append(expert)
      }
    }
    self.experts = experts.mapValues { $0.sorted() }
  }
}

/// A type for factors.
struct FactorTypeArgument: ExpressibleByArgument {
  let name: String

  init?(argument: String) {
    name = argument.uppercased()
    guard factorTypes.contains(name) else { return nil }
  }
}
