internal import ArgumentParser
internal import Compression

/// How many experts go, and from where; calibrate needs these to know how much to sample.
///
/// Everything is optional so that what was given can be told from what was not; defaults are in the
/// help and in `MethodOptions`.
struct PruningOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Share of experts to prune; 0 prunes none (default: 0.25).",
      valueName: "ratio"
    )
  )
  var prune: Double?

  @Option(
    help: ArgumentHelp(
      "How pruning is spread over layers: bounded, inverse or uniform (default: bounded).",
      valueName: "rule"
    )
  )
  var allocate: MethodOptions.Allocation?

  @Option(
    help: ArgumentHelp(
      "How far 'bounded' lets a layer's share move, half its range (default: 0.08).",
      valueName: "share"
    )
  )
  var lambda: Double?

  @Flag(help: "The same number of experts in every layer, which stock runtimes need.")
  var uniform = false

  @Option(
    help: ArgumentHelp(
      "Tokens the search looks at, evenly spaced, or 'all' (default: 4096).",
      valueName: "n"
    )
  )
  var searchTokens: TokenCount?

  func validate() throws {
    if let prune, !(0..<1).contains(prune) {
      throw ValidationError("--prune takes a share from 0 to below 1, not \(prune)")
    }
    if let lambda, !(0...1).contains(lambda) {
      throw ValidationError("--lambda takes a share from 0 to 1, not \(lambda)")
    }
    if uniform, let allocate, allocate != .uniform {
      throw ValidationError("--uniform and --allocate \(allocate.rawValue) exclude each other")
    }
    if lambda != nil, (allocate ?? .bounded) != .bounded || uniform {
      throw ValidationError("--lambda applies to --allocate bounded only")
    }
    if prune == 0 {
      try refuse(given, because: "--prune 0 prunes nothing")
    }
  }

  /// Names of the options that were given.
  var given: [String] {
    [
      ("--allocate", allocate != nil), ("--lambda", lambda != nil), ("--uniform", uniform),
      ("--search-tokens", searchTokens != nil),
    ].filter(\.1).map(\.0)
  }

  /// Puts what was given into `options`.
  func apply(to options: inout MethodOptions) {
    if let prune { options.prune = prune }
    if let allocate { options.allocation = allocate }
    if uniform { options.allocation = .uniform }
    if let lambda { options.lambda = lambda }
    if let searchTokens { options.searchTokens = searchTokens.value }
  }
}

/// Refuses options that cannot apply.
func refuse(_ given: [String], because reason: String) throws {
  if let first = given.first { throw ValidationError("\(first) cannot apply: \(reason)") }
}

/// A number of tokens, or `all`.
struct TokenCount: ExpressibleByArgument {
  /// The number; nil for all.
  let value: Int?

  init?(argument: String) {
    if argument == "all" {
      value = nil
      return
    }
    guard let number = Int(argument), number > 0 else { return nil }
    value = number
  }
}

extension MethodOptions.Allocation: ExpressibleByArgument {}
extension MethodOptions.Selection: ExpressibleByArgument {}
extension MethodOptions.Factoring: ExpressibleByArgument {}
