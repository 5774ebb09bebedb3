/// A regular expression as a tree.
indirect enum PatternNode: Equatable, Sendable {
  /// Matches without taking anything.
  case empty
  /// One code point.
  case scalar(UInt32)
  /// One code point of a set.
  case set(ScalarSet)
  /// One after another.
  case sequence([PatternNode])
  /// The first that leads to a match.
  case alternation([PatternNode])
  /// From `min` to `max` times (nil: without end).
  case repeated(PatternNode, min: Int, max: Int?, Greed)
  /// What follows must match, or must not.
  case lookahead(PatternNode, negative: Bool)
  /// The code point before must be of the set, or must not.
  case lookbehind(ScalarSet, negative: Bool)
  /// A match that is not taken back.
  case atomic(PatternNode)
  /// A place in the text.
  case anchor(Anchor)

  /// How a repetition gives way.
  enum Greed: Equatable, Sendable {
    /// As often as it can, then less.
    case greedy
    /// As seldom as it can, then more.
    case lazy
    /// As often as it can, and never less.
    case possessive
  }

  /// A place that takes up no text.
  enum Anchor: Equatable, Sendable {
    /// `\A`
    case textStart
    /// `\z`
    case textEnd
    /// `\Z`
    case textEndOrLastLineFeed
    /// `^`
    case lineStart
    /// `$`
    case lineEnd
    /// `\b`
    case wordBoundary
    /// `\B`
    case noWordBoundary
  }

  /// Whether it can match without taking anything.
  var isNullable: Bool {
    switch self {
    case .empty, .lookahead, .lookbehind, .anchor: true
    case .scalar, .set: false
    case .sequence(let nodes): nodes.allSatisfy(\.isNullable)
    case .alternation(let nodes): nodes.contains(where: \.isNullable)
    case .repeated(let node, let min, _, _): min == 0 || node.isNullable
    case .atomic(let node): node.isNullable
    }
  }
}

/// Why a pattern is refused.
struct PatternFault: Error, Equatable {
  /// Byte offset in the pattern.
  let offset: Int
  /// What stands there.
  let what: String
  /// What could stand there instead.
  let supported: String
}
