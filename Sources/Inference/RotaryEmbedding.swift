internal import Glibc
package import Checkpoint

/// Rotary position embedding in the half-split form: column i turns with column i + d/2.
///
/// Frequency i is theta^(-2i / d) / factor (RoFormer, arXiv 2104.09864; `factor` is linear
/// scaling). Angles are made in Float32 as transformers makes them, so that long contexts agree
/// with it.
package struct RotaryEmbedding: Sendable {
  private let cosines: [Float]
  private let sines: [Float]
  private let half: Int

  /// Tables for positions 0 ..< `length`.
  package init(_ configuration: RotaryConfiguration, dimension: Int, length: Int) {
    half = dimension / 2
    var cosines: [Float] = []
    var sines: [Float] = []
    let frequencies = (0..<half).map { i in
      let exponent = Float(2 * i) / Float(dimension)
      let frequency = Float(1 / pow(configuration.theta, Double(exponent)))
      return frequency / Float(configuration.factor)
    }
    for position in 0..<length {
      for frequency in frequencies {
        let angle = Float(position) * frequency
        cosines.append(Float(cos(Double(angle))))
        sines.append(Float(sin(Double(angle))))
      }
    }
    self.cosines = cosines
    self.sines = sines
  }

  /// Turns every head of one row [heads * d] at `position`.
  package func rotate(_ row: UnsafeMutableBufferPointer<Float>, position: Int) {
    let table = position * half
    for start in stride(from: 0, to: row.count, by: 2 * half) {
      for i in 0..<half {
        let (c, s) = (cosines[table + i], sines[table + i])
        let (a, b) = (row[start + i], row[start + half + i])
        row[start + i] = a * c - b * s
        row[start + half + i] = b * c + a * s
      }
    }
  }
}
