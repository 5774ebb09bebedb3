/// Finds the matches of a description's pattern.
struct PatternFinder: Sendable {
  private enum Kind: Sendable {
    case string([UInt8])
    case program(PatternProgram, slot: Int)
  }

  private let kind: Kind

  /// A finder of `pattern`; a regular expression keeps its state in a new slot of `states`.
  init(
    _ pattern: TokenizerDescription.Pattern,
    states: inout [PatternState],
    file: String
  ) throws(TokenizationError) {
    switch pattern {
    case .string(let text): self.init(.string(Array(text.utf8)))
    case .regex(let source):
      do throws(PatternFault) {
        self.init(try PatternProgram(source), states: &states)
      } catch {
        throw .unsupported(
          file: file,
          place: "pattern \(quoted(source)), byte \(error.offset)",
          got: error.what,
          supported: error.supported
        )
      }
    }
  }

  /// A finder of what `program` matches.
  init(_ program: PatternProgram, states: inout [PatternState]) {
    self.init(.program(program, slot: states.count))
    states.append(PatternState(program))
  }

  private init(_ kind: Kind) { self.kind = kind }

  /// Appends the matches in `range`, which counts as the whole text, from left to right.
  func appendMatches(
    in text: Span<UInt8>,
    _ range: Range<Int>,
    to matches: inout [Range<Int>],
    _ states: inout [PatternState]
  ) throws(PatternTooSlow) {
    switch kind {
    case .string(let wanted): find(wanted, in: text, range, &matches)
    case .program(let program, let slot):
      var position = range.lowerBound
      var lastEnd = -1
      while position <= range.upperBound {
        guard
          let match = try program.firstMatch(in: text, range, from: position, &states[slot])
        else { return }
        position = match.upperBound
        if match.isEmpty {
          // An empty match right after the last one does not count.
          if match.upperBound != lastEnd { matches.append(match) }
          if position == range.upperBound { return }
          if match.upperBound == lastEnd { position += decodeScalar(text, at: position).length }
        } else {
          matches.append(match)
        }
        lastEnd = match.upperBound
      }
    }
  }

  private func find(
    _ wanted: [UInt8],
    in text: Span<UInt8>,
    _ range: Range<Int>,
    _ matches: inout [Range<Int>]
  ) {
    guard let first = wanted.first else { return }
    var position = range.lowerBound
    while position + wanted.count <= range.upperBound {
      if text[position] == first,
        wanted.indices.allSatisfy({ wanted[$0] == text[position + $0] })
      {
        matches.append(position..<position + wanted.count)
        position += wanted.count
      } else {
        position += 1
      }
    }
  }
}
