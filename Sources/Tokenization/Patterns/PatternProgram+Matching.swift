extension PatternProgram {
  /// A backtracking search that takes more steps than this from one place is given up.
  private static let stepLimit = 20_000_000

  /// The first match in `range` of `text`, looked for from `start` on; the range counts as the whole
  /// text, so that anchors and what looks ahead end with it.
  ///
  /// - Throws: ``PatternTooSlow`` after twenty million steps.
  func firstMatch(
    in text: Span<UInt8>,
    _ range: Range<Int>,
    from start: Int,
    _ state: inout PatternState
  ) throws(PatternTooSlow) -> Range<Int>? {
    var position = start
    let filter = Int(startFilter) * 257
    while position <= range.upperBound {
      let next = position < range.upperBound ? Int(text[position]) : 256
      if filters[filter + next] {
        state.steps = 0
        if let end = try match(at: position, text, range, &state) { return position..<end }
        // What fails from the start of an endless run fails from every later place in it.
        if let set = leadingRun {
          let failed = position
          while position < range.upperBound {
            let (scalar, length) = decodeScalar(text, at: position)
            guard state.contains(scalar, set: set, self) else { break }
            position += length
          }
          if position > failed { continue }
        }
      }
      if position >= range.upperBound { break }
      position += decodeScalar(text, at: position).length
    }
    return nil
  }

  /// The end of the match that begins at `position`, if there is one.
  private func match(
    at position: Int,
    _ text: Span<UInt8>,
    _ range: Range<Int>,
    _ state: inout PatternState
  ) throws(PatternTooSlow) -> Int? {
    let end = try run(from: 0, at: position, text, range, &state)
    return end < 0 ? nil : end
  }

  /// Runs from an instruction to the next `accept`; the place reached, or -1.
  private func run(
    from first: Int32,
    at start: Int,
    _ text: Span<UInt8>,
    _ range: Range<Int>,
    _ state: inout PatternState
  ) throws(PatternTooSlow) -> Int {
    let base = state.stack.count
    let end = range.upperBound
    var instruction = Int(first)
    var position = start

    while true {
      var isFailure = false
      switch instructions[instruction] {
      case .byte(let byte):
        if position < end, text[position] == byte {
          position += 1
          instruction += 1
        } else {
          isFailure = true
        }

      case .scalar(let wanted):
        if position < end, case let (scalar, length) = decodeScalar(text, at: position),
          scalar == wanted
        {
          position += length
          instruction += 1
        } else {
          isFailure = true
        }

      case .set(let set):
        if position < end, case let (scalar, length) = decodeScalar(text, at: position),
          state.contains(scalar, set: set, self)
        {
          position += length
          instruction += 1
        } else {
          isFailure = true
        }

      case .run(let set, let min, let max, let possessive):
        var count: Int32 = 0
        var low = position
        while position < end, count < max {
          let (scalar, length) = decodeScalar(text, at: position)
          guard state.contains(scalar, set: set, self) else { break }
          position += length
          count += 1
          if count == min { low = position }
        }
        if count < min {
          isFailure = true
        } else {
          instruction += 1
          if !possessive, low < position {
            state.stack.append(
              .init(instruction: Int32(instruction), position: position, low: low)
            )
          }
        }

      case .alternative(let filter, let other):
        let next = position < end ? Int(text[position]) : 256
        if filters[Int(filter) * 257 + next] {
          state.stack.append(.init(instruction: other, position: position, low: position))
          instruction += 1
        } else {
          instruction = Int(other)
        }

      case .split(let first, let second):
        state.stack.append(.init(instruction: second, position: position, low: position))
        instruction = Int(first)

      case .jump(let target):
        instruction = Int(target)

      case .lookahead(let negative, let after):
        let reached = try run(from: Int32(instruction) + 1, at: position, text, range, &state)
        if (reached >= 0) != negative { instruction = Int(after) } else { isFailure = true }

      case .atomic(let after):
        let reached = try run(from: Int32(instruction) + 1, at: position, text, range, &state)
        if reached >= 0 {
          position = reached
          instruction = Int(after)
        } else {
          isFailure = true
        }

      case .lookbehind(let set, let negative):
        if isMember(before: position, set: set, text, range, &state) != negative {
          instruction += 1
        } else {
          isFailure = true
        }

      case .anchor(let anchor):
        if holds(anchor, at: position, text, range, &state) {
          instruction += 1
        } else {
          isFailure = true
        }

      case .accept:
        state.stack.removeSubrange(base...)
        return position
      }

      if isFailure {
        guard state.stack.count > base, let frame = state.stack.popLast() else { return -1 }
        state.steps += 1
        if state.steps > PatternProgram.stepLimit { throw PatternTooSlow(pattern: source) }
        instruction = Int(frame.instruction)
        position = frame.position
        if frame.low < position {
          position = scalarStart(text, before: position)
          if frame.low < position {
            state.stack.append(
              .init(instruction: frame.instruction, position: position, low: frame.low)
            )
          }
        }
      }
    }
  }

  private func isMember(
    before position: Int,
    set: Int32,
    _ text: Span<UInt8>,
    _ range: Range<Int>,
    _ state: inout PatternState
  ) -> Bool {
    guard position > range.lowerBound else { return false }
    let scalar = decodeScalar(text, at: scalarStart(text, before: position)).value
    return state.contains(scalar, set: set, self)
  }

  private func holds(
    _ anchor: PatternNode.Anchor,
    at position: Int,
    _ text: Span<UInt8>,
    _ range: Range<Int>,
    _ state: inout PatternState
  ) -> Bool {
    let lineFeed = UInt8(ascii: "\n")
    let isStart = position == range.lowerBound
    let isEnd = position == range.upperBound
    switch anchor {
    case .textStart: return isStart
    case .textEnd: return isEnd
    case .textEndOrLastLineFeed:
      return isEnd || (position + 1 == range.upperBound && text[position] == lineFeed)
    case .lineStart: return isStart || (!isEnd && text[position - 1] == lineFeed)
    case .lineEnd: return isEnd || text[position] == lineFeed
    case .wordBoundary, .noWordBoundary:
      let before = isMember(before: position, set: wordSet, text, range, &state)
      let after =
        !isEnd
        && state.contains(decodeScalar(text, at: position).value, set: wordSet, self)
      return (before != after) == (anchor == .wordBoundary)
    }
  }
}

/// Matching was given up.
struct PatternTooSlow: Error {
  /// The pattern.
  let pattern: String
}
