internal import Glibc

/// The SplitMix64 generator, which spreads one 64-bit seed over many.
///
/// Algorithm by Steele, Lea and Flood ("Fast splittable pseudorandom number generators", 2014), in
/// the public domain form of Vigna; this is our own code of it.
package struct SplitMix64: RandomNumberGenerator, Sendable {
  private var state: UInt64

  /// Starts the sequence of `seed`.
  package init(seed: UInt64) {
    state = seed
  }

  /// The next 64 bits.
  package mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

/// The xoshiro256** generator: same seed and stream, same numbers, on every machine.
///
/// Algorithm by Blackman and Vigna ("Scrambled linear pseudorandom number generators", 2021,
/// public domain); this is our own code of it.
package struct SeededGenerator: RandomNumberGenerator, Sendable {
  private var state: (UInt64, UInt64, UInt64, UInt64)

  /// Starts the sequence of a seed; each `stream` of a seed is a sequence of its own.
  ///
  /// The state is four outputs of SplitMix64, started from the first output for `seed` with the
  /// bits of `stream` mixed in.
  package init(seed: UInt64, stream: UInt64 = 0) {
    var mixer = SplitMix64(seed: seed)
    mixer = SplitMix64(seed: mixer.next() ^ stream)
    state = (mixer.next(), mixer.next(), mixer.next(), mixer.next())
  }

  /// Starts from a state as published test vectors give it; it must not be all zeros.
  package init(state: (UInt64, UInt64, UInt64, UInt64)) {
    precondition(state != (0, 0, 0, 0), "xoshiro256** needs a state that is not all zeros")
    self.state = state
  }

  /// The next 64 bits.
  package mutating func next() -> UInt64 {
    let scrambled = rotateLeft(state.1 &* 5, by: 7) &* 9
    let shifted = state.1 << 17
    state.2 ^= state.0
    state.3 ^= state.1
    state.1 ^= state.2
    state.0 ^= state.3
    state.2 ^= shifted
    state.3 = rotateLeft(state.3, by: 45)
    return scrambled
  }

  /// A number in `0..<bound`, each equally likely; `bound` must be positive.
  ///
  /// Method of Lemire (arXiv 1805.10941): the high half of a product, with the few low halves that
  /// would favour some results drawn again.
  package mutating func next(below bound: Int) -> Int {
    precondition(bound > 0, "no number below \(bound)")
    let range = UInt64(bound)
    let rejected = (0 &- range) % range
    var product = next().multipliedFullWidth(by: range)
    while product.low < rejected { product = next().multipliedFullWidth(by: range) }
    return Int(product.high)
  }

  /// A number in `0..<1`, a multiple of 2⁻⁵³.
  package mutating func nextUniform() -> Double {
    Double(next() >> 11) * 0x1p-53
  }

  /// Two independent numbers of mean 0 and variance 1 (Box and Muller, 1958).
  package mutating func nextGaussianPair() -> (Double, Double) {
    // 1 - u is in (0, 1], so the logarithm is finite.
    let radius = (-2 * log(1 - nextUniform())).squareRoot()
    let angle = 2 * Double.pi * nextUniform()
    return (radius * cos(angle), radius * sin(angle))
  }

  /// Puts the elements in an order in which each permutation is equally likely.
  package mutating func shuffle<Element>(_ elements: inout [Element]) {
    for last in elements.indices.dropFirst().reversed() {
      elements.swapAt(last, next(below: last + 1))
    }
  }

  /// Draws `count` different numbers below `bound`, in the order drawn.
  package mutating func sample(_ count: Int, below bound: Int) -> [Int] {
    precondition(count >= 0 && count <= bound, "sample of \(count) from \(bound)")
    var pool = Array(0..<bound)
    for index in 0..<count {
      pool.swapAt(index, index + next(below: bound - index))
    }
    return Array(pool.prefix(count))
  }
}

private func rotateLeft(_ bits: UInt64, by count: UInt64) -> UInt64 {
  (bits << count) | (bits >> (64 - count))
}

extension Matrix {
  /// A matrix of independent numbers of mean 0 and variance 1.
  package static func gaussian(
    rows: Int,
    columns: Int,
    generator: inout SeededGenerator
  ) -> Matrix {
    let result = Matrix(rows: rows, columns: columns)
    let elements = result.elements
    for index in stride(from: 0, to: elements.count, by: 2) {
      let pair = generator.nextGaussianPair()
      elements[index] = Float(pair.0)
      if index + 1 < elements.count { elements[index + 1] = Float(pair.1) }
    }
    return result
  }
}
