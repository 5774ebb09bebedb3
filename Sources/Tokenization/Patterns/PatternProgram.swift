/// A regular expression compiled to instructions for ``PatternState``.
struct PatternProgram: Sendable {
  /// One step of matching.
  enum Instruction: Sendable {
    /// Takes this ASCII byte.
    case byte(UInt8)
    /// Takes this code point.
    case scalar(UInt32)
    /// Takes a code point of set number `set`.
    case set(set: Int32)
    /// Takes `min` to `max` code points of a set, giving back one at a time unless possessive.
    case run(set: Int32, min: Int32, max: Int32, possessive: Bool)
    /// Goes on at the next instruction, on failure at `other`; skips ahead if the byte cannot match.
    case alternative(filter: Int32, other: Int32)
    /// Goes on at `first`, on failure at `second`.
    case split(first: Int32, second: Int32)
    /// Goes on at `target`.
    case jump(target: Int32)
    /// Runs the block that follows, up to its `accept`, without taking text; then goes on at `end`.
    case lookahead(negative: Bool, end: Int32)
    /// Looks at the code point before.
    case lookbehind(set: Int32, negative: Bool)
    /// Runs the block that follows once and for all, then goes on at `end`.
    case atomic(end: Int32)
    /// Fails unless at such a place.
    case anchor(PatternNode.Anchor)
    /// Ends the pattern or block with success.
    case accept
  }

  /// The pattern, for messages.
  let source: String
  /// The program; matching begins at 0.
  private(set) var instructions: [Instruction] = []
  /// The sets the instructions name.
  private(set) var sets: [ScalarSet] = []
  /// Membership of ASCII, 128 entries for each set.
  private(set) var ascii: [Bool] = []
  /// What the text may go on with, 257 entries for each filter; the last stands for its end.
  private(set) var filters: [Bool] = []
  /// The number of the filter of the whole pattern.
  private(set) var startFilter: Int32 = 0
  /// The set whose endless run begins the pattern, if it has no alternatives.
  private(set) var leadingRun: Int32?
  /// The number of `\w`, which boundaries look at.
  private(set) var wordSet: Int32 = 0

  private static let instructionLimit = 20_000

  /// Compiles `source`.
  init(_ source: String) throws(PatternFault) {
    var parser = PatternParser(source)
    try self.init(parser.pattern(), source: source)
  }

  /// Compiles a tree.
  init(_ node: PatternNode, source: String) throws(PatternFault) {
    self.source = source
    wordSet = number(of: .lonelyWord)
    startFilter = filter(for: node)
    try emit(node)
    try append(.accept)
    if case .run(let set, 0...1, Int32.max, false) = instructions[0] { leadingRun = set }
  }

  // MARK: - Sets

  private mutating func number(of set: ScalarSet) -> Int32 {
    if let known = sets.firstIndex(of: set) { return Int32(known) }
    sets.append(set)
    ascii += (0..<128).map { set.contains($0) }
    return Int32(sets.count - 1)
  }

  /// The bytes that `node` can begin with.
  private mutating func filter(for node: PatternNode) -> Int32 {
    var bytes = [Bool](repeating: false, count: 257)
    if !collectFirstBytes(of: node, into: &bytes) {
      bytes = [Bool](repeating: true, count: 257)
    }
    filters += bytes
    return Int32(filters.count / 257 - 1)
  }

  /// Adds the bytes `node` can begin with; false if it may begin with anything, being empty.
  private mutating func collectFirstBytes(of node: PatternNode, into bytes: inout [Bool]) -> Bool {
    switch node {
    case .empty, .lookahead, .lookbehind, .anchor: return false
    case .scalar(let value):
      if let scalar = Unicode.Scalar(value), let byte = UTF8.encode(scalar)?.first {
        bytes[Int(byte)] = true
      }
      return true
    case .set(let set):
      let row = Int(number(of: set)) * 128
      for byte in 0..<128 where ascii[row + byte] { bytes[byte] = true }
      for byte in 0xC2...0xF4 { bytes[byte] = true }
      return true
    case .sequence(let nodes):
      for node in nodes where collectFirstBytes(of: node, into: &bytes) { return true }
      return false
    case .alternation(let nodes):
      var isSure = true
      for node in nodes where !collectFirstBytes(of: node, into: &bytes) { isSure = false }
      return isSure
    case .repeated(let node, let min, _, _):
      return collectFirstBytes(of: node, into: &bytes) && min > 0
    case .atomic(let node): return collectFirstBytes(of: node, into: &bytes)
    }
  }

  // MARK: - Instructions

  private var here: Int32 { Int32(instructions.count) }

  private mutating func append(_ instruction: Instruction) throws(PatternFault) {
    instructions.append(instruction)
    if instructions.count > PatternProgram.instructionLimit {
      throw PatternFault(
        offset: 0,
        what: "a pattern too large",
        supported: "fewer nested repetitions"
      )
    }
  }

  private mutating func emit(_ node: PatternNode) throws(PatternFault) {
    switch node {
    case .empty: break
    case .scalar(let value):
      try append(value < 0x80 ? .byte(UInt8(value)) : .scalar(value))
    case .set(let set): try append(.set(set: number(of: set)))
    case .sequence(let nodes): for node in nodes { try emit(node) }
    case .alternation(let nodes): try emit(alternatives: nodes)
    case .repeated(let node, let min, let max, let greed):
      try emit(repeated: node, min: min, max: max, greed)
    case .lookahead(let node, let negative):
      try block(node) { .lookahead(negative: negative, end: $0) }
    case .lookbehind(let set, let negative):
      try append(.lookbehind(set: number(of: set), negative: negative))
    case .atomic(let node): try block(node) { .atomic(end: $0) }
    case .anchor(let anchor): try append(.anchor(anchor))
    }
  }

  private mutating func block(
    _ node: PatternNode,
    _ head: (Int32) -> Instruction
  ) throws(PatternFault) {
    let start = instructions.count
    try append(.accept)
    try emit(node)
    try append(.accept)
    instructions[start] = head(here)
  }

  private mutating func emit(alternatives nodes: [PatternNode]) throws(PatternFault) {
    var exits: [Int] = []
    for (index, node) in nodes.enumerated() {
      let start = instructions.count
      let isLast = index == nodes.count - 1
      let filter = isLast ? 0 : filter(for: node)
      if !isLast { try append(.alternative(filter: filter, other: 0)) }
      try emit(node)
      if !isLast {
        exits.append(instructions.count)
        try append(.jump(target: 0))
        instructions[start] = .alternative(filter: filter, other: here)
      }
    }
    for exit in exits { instructions[exit] = .jump(target: here) }
  }

  private mutating func emit(
    repeated node: PatternNode,
    min: Int,
    max: Int?,
    _ greed: PatternNode.Greed
  ) throws(PatternFault) {
    if greed != .lazy, let set = node.asSet {
      return try append(
        .run(
          set: number(of: set),
          min: Int32(min),
          max: max.map(Int32.init) ?? Int32.max,
          possessive: greed == .possessive
        )
      )
    }
    if greed == .possessive {
      return try emit(.atomic(.repeated(node, min: min, max: max, .greedy)))
    }
    for _ in 0..<min { try emit(node) }
    if let max {
      var starts: [Int] = []
      for _ in min..<max {
        starts.append(instructions.count)
        try append(.accept)
        try emit(node)
      }
      for start in starts { instructions[start] = split(Int32(start) + 1, here, greed) }
    } else {
      let start = instructions.count
      try append(.accept)
      try emit(node)
      try append(.jump(target: Int32(start)))
      instructions[start] = split(Int32(start) + 1, here, greed)
    }
  }

  private func split(_ body: Int32, _ end: Int32, _ greed: PatternNode.Greed) -> Instruction {
    greed == .lazy ? .split(first: end, second: body) : .split(first: body, second: end)
  }
}

extension PatternNode {
  /// The set it matches one code point of, if it is that simple.
  fileprivate var asSet: ScalarSet? {
    switch self {
    case .set(let set): set
    case .scalar(let value): .ranges([value...value])
    default: nil
    }
  }
}
