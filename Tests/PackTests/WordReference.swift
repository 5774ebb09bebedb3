import TestSupport

/// Decodes a chunk of codec 4 by Formats/moepack.md, "Coded words", one bit after the other.
///
/// Slow and by means of its own. Rests must be raw, and the chunk sound.
func decodedByReference(_ stored: [UInt8], words count: Int) -> [UInt8] {
  let symbolBytes = Int(stored.integer(UInt32.self, at: 0))
  let plane = Array(stored[8..<8 + symbolBytes])
  let rests = Array(stored[(8 + symbolBytes)...])
  let symbolBits = Int(plane[0])
  let (lengths, position) = storedLengths(plane, symbols: 1 << symbolBits)
  let symbolOf = canonicalCodes(lengths)

  var symbols: [Int] = []
  var start = position
  for stream in 0..<4 {
    let length = Int(plane.integer(UInt32.self, at: 4 + 4 * stream))
    let bits = plane[start..<start + length].flatMap { byte in (0..<8).map { byte >> (7 - $0) & 1 }
    }
    start += length
    let share = (count + 3) / 4
    let words = max(0, min(share, count - stream * share))
    var place = 0
    for _ in 0..<words {
      var code = "1"
      repeat {
        code += String(bits[place])
        place += 1
      } while symbolOf[code] == nil
      symbols.append(symbolOf[code] ?? 0)
    }
  }

  let restBits = 16 - symbolBits
  return symbols.enumerated().flatMap { index, symbol -> [UInt8] in
    var rest = 0
    for bit in 0..<restBits {
      let place = index * restBits + bit
      rest |= Int(rests[place / 8] >> UInt8(place % 8) & 1) << bit
    }
    let rotated = UInt16(symbol << restBits | rest)
    return .littleEndian(rotated >> 1 | rotated << 15)
  }
}

private func storedLengths(_ plane: [UInt8], symbols: Int) -> (lengths: [Int], end: Int) {
  let numbers = plane[20...].flatMap { [Int($0 & 15), Int($0 >> 4)] }
  var lengths: [Int] = []
  var place = 0
  while lengths.count < symbols {
    if numbers[place] == 0 {
      let run = numbers[place + 1] + 16 * numbers[place + 2] + 1
      lengths += [Int](repeating: 0, count: run)
      place += 3
    } else {
      lengths.append(numbers[place])
      place += 1
    }
  }
  return (lengths, 20 + (place + 1) / 2)
}

/// The symbol of each code, written as its bits behind a 1.
private func canonicalCodes(_ lengths: [Int]) -> [String: Int] {
  var symbols: [String: Int] = [:]
  var code = 0
  var previous = 0
  for length in 1...12 {
    for (symbol, own) in lengths.enumerated() where own == length {
      if previous > 0 { code = (code + 1) << (length - previous) }
      previous = length
      let digits = String(code, radix: 2)
      symbols["1" + String(repeating: "0", count: length - digits.count) + digits] = symbol
    }
  }
  return symbols
}
