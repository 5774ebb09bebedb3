/// Byte-pair encoding of single words.
struct BytePairEncoder: Sendable {
  /// What encoding keeps between words: a cache, and room to work in.
  struct State: Sendable {
    var cache = WordCache()
    var queue = MergeQueue()
    var symbols: [Int32] = []
    var candidates: [MergeTable.Merge] = []
  }

  private let model: TokenizerDescription.BytePair
  private let file: String
  private let tokens: TokenTable
  private let merges: MergeTable
  private let seams: WordSeams
  /// The tokens of code points below 0x200, or -1.
  private let low: [Int32]
  /// The tokens `<0xNN>`, or -1.
  private let byteTokens: [Int32]
  private let unknown: Int32?

  /// Prepares the model of `description`.
  ///
  /// - Throws: ``TokenizationError`` for merges of tokens the vocabulary does not have.
  init(
    _ model: TokenizerDescription.BytePair,
    _ description: TokenizerDescription
  ) throws(TokenizationError) {
    self.model = model
    file = description.file
    tokens = TokenTable(description.vocabulary)
    merges = try MergeTable(model, tokens, file: file)
    let tokens = tokens
    low = (0..<0x200).map { (value: UInt32) in
      Unicode.Scalar(value).flatMap { tokens.id(String(Character($0))) } ?? -1
    }
    byteTokens = (0..<256).map { (byte: Int) in
      model.byteFallback ? tokens.id(ByteTokens.text(of: UInt8(byte))) ?? -1 : -1
    }
    unknown = model.unknownToken.flatMap { tokens.id($0) }
    seams = WordSeams(model)
  }

  /// Appends the tokens of the word `text[range]`.
  func encode(
    _ text: Span<UInt8>,
    _ range: Range<Int>,
    to out: inout [Int32],
    _ state: inout State
  ) throws(TokenizationError) {
    if range.count <= WordCache.longestWord {
      try encodeShort(text, range, isWhole: true, to: &out, &state)
    } else if model.ignoreMerges, let id = tokens.id(text, range) {
      out.append(id)
    } else {
      try encodeLong(text, range, to: &out, &state)
    }
  }

  private func encodeShort(
    _ text: Span<UInt8>,
    _ range: Range<Int>,
    isWhole: Bool,
    to out: inout [Int32],
    _ state: inout State
  ) throws(TokenizationError) {
    // A part of a long word must not be taken for the whole word of the same text.
    let isCached = isWhole || !model.ignoreMerges
    let hash = hashBytes(text, range)
    if isCached, state.cache.append(text, range, hash: hash, to: &out) { return }
    let start = out.count
    if isWhole, model.ignoreMerges, let id = tokens.id(text, range) {
      out.append(id)
    } else {
      try encodeUncached(text, range, to: &out, &state)
    }
    if isCached { state.cache.insert(text, range, hash: hash, out[start...]) }
  }

  /// Cuts a long word where no merge can reach across, as whole documents without spaces between
  /// words are one word to some tokenizers.
  private func encodeLong(
    _ text: Span<UInt8>,
    _ range: Range<Int>,
    to out: inout [Int32],
    _ state: inout State
  ) throws(TokenizationError) {
    var start = range.lowerBound
    var (last, length) = decodeScalar(text, at: start)
    var position = start + length
    var isLastKnown = isKnown(last, text, start..<position)
    while position < range.upperBound {
      let scalar: UInt32
      (scalar, length) = decodeScalar(text, at: position)
      let isKnown = isKnown(scalar, text, position..<position + length)
      if isKnown, isLastKnown, seams.separates(last, scalar) {
        try encodePart(text, start..<position, to: &out, &state)
        start = position
      }
      (last, isLastKnown) = (scalar, isKnown)
      position += length
    }
    try encodePart(text, start..<range.upperBound, to: &out, &state)
  }

  private func encodePart(
    _ text: Span<UInt8>,
    _ range: Range<Int>,
    to out: inout [Int32],
    _ state: inout State
  ) throws(TokenizationError) {
    if range.count <= WordCache.longestWord {
      try encodeShort(text, range, isWhole: false, to: &out, &state)
    } else {
      try encodeUncached(text, range, to: &out, &state)
    }
  }

  private func encodeUncached(
    _ text: Span<UInt8>,
    _ range: Range<Int>,
    to out: inout [Int32],
    _ state: inout State
  ) throws(TokenizationError) {
    state.symbols.removeAll(keepingCapacity: true)
    try appendSymbols(text, range, to: &state.symbols)
    if state.symbols.count <= 64 {
      BytePairEncoder.merge(&state.symbols, &state.candidates, merges)
    } else {
      state.queue.merge(&state.symbols, merges)
    }
    out += state.symbols
    if state.symbols.capacity > 1 << 20 { state = State(keeping: state.cache) }
  }

  // MARK: - Symbols

  private func token(_ scalar: UInt32, _ text: Span<UInt8>, _ range: Range<Int>) -> Int32 {
    scalar < 0x200 ? low[Int(scalar)] : tokens.id(text, range) ?? -1
  }

  private func isKnown(_ scalar: UInt32, _ text: Span<UInt8>, _ range: Range<Int>) -> Bool {
    token(scalar, text, range) >= 0
  }

  /// Appends the tokens of single characters; what has none becomes byte tokens or the unknown one.
  private func appendSymbols(
    _ text: Span<UInt8>,
    _ range: Range<Int>,
    to symbols: inout [Int32]
  ) throws(TokenizationError) {
    var pendingUnknown: Int32?
    var position = range.lowerBound
    while position < range.upperBound {
      let (scalar, length) = decodeScalar(text, at: position)
      let place = position..<position + length
      position += length
      let id = token(scalar, text, place)
      if id >= 0 {
        if let unknown = pendingUnknown { symbols.append(unknown) }
        pendingUnknown = nil
        symbols.append(id)
      } else if model.byteFallback, place.allSatisfy({ byteTokens[Int(text[$0])] >= 0 }) {
        // A pending unknown token comes after these bytes: `tokenizers` does so.
        for byte in place { symbols.append(byteTokens[Int(text[byte])]) }
      } else if let name = model.unknownToken {
        guard let unknown else { throw .noUnknownToken(file: file, unknown: name) }
        if let pending = pendingUnknown, !model.fuseUnknown { symbols.append(pending) }
        pendingUnknown = unknown
      }
    }
    if let unknown = pendingUnknown { symbols.append(unknown) }
  }

  // MARK: - Merging short words

  /// Merges by looking through all pairs again and again: the quickest way for a few.
  private static func merge(
    _ symbols: inout [Int32],
    _ candidates: inout [MergeTable.Merge],
    _ merges: MergeTable
  ) {
    let none = MergeTable.Merge(rank: .max, id: -1)
    candidates.removeAll(keepingCapacity: true)
    for index in symbols.indices.dropLast() {
      candidates.append(merges.merge(symbols[index], symbols[index + 1]) ?? none)
    }
    while true {
      var best = 0
      var rank = Int32.max
      for index in candidates.indices where candidates[index].rank < rank {
        rank = candidates[index].rank
        best = index
      }
      if rank == .max { return }
      symbols[best] = candidates[best].id
      symbols.remove(at: best + 1)
      candidates.remove(at: best)
      if best < candidates.count {
        candidates[best] = merges.merge(symbols[best], symbols[best + 1]) ?? none
      }
      if best > 0 {
        candidates[best - 1] = merges.merge(symbols[best - 1], symbols[best]) ?? none
      }
    }
  }
}

extension BytePairEncoder.State {
  /// A state with the words of `cache` and no room taken.
  fileprivate init(keeping cache: WordCache) { self.cache = cache }
}
