#if canImport(Glibc)
internal import Glibc
#endif

/// Blocks of 32 values as a shared power of two (a byte, exponent + 127) and 32 numbers of 4 bits
/// (E2M1) of the OCP Microscaling Formats (MX) specification 1.0.
///
/// The low nibble of byte i is value i, the high one value i + 16: ggml's order, other than that
/// of MXFP4 tensors in safetensors.
enum MXFP4: SingleBlockType, EncodableBlockType {
  static let elements = 32
  static let bytes = 17
  static let scales: [ScaleField] = [.exponent(0)]

  @inline(__always)
  static func widen(block: UnsafeRawPointer, into target: UnsafeMutablePointer<Float>) {
    let scale = halvedPower(block.load(as: UInt8.self))
    let codes = block.bytes(at: 1)
    let numbers = E2M1.doubled
    for i in 0..<16 {
      target[i] = scale * numbers[Int(codes[i] & 15)]
      target[i + 16] = scale * numbers[Int(codes[i] >> 4)]
    }
  }

  /// ggml's `quantize_row_mxfp4_ref`, which has no use for weights: the exponent is that of the
  /// largest magnitude less 2, each value goes to the nearest number, of two to the smaller.
  static func narrow(
    _ row: UnsafePointer<Float>,
    importance: UnsafePointer<Float>?,
    into target: UnsafeMutableRawPointer,
    blocks: Int
  ) {
    let numbers = E2M1.doubled
    SearchRoom.with { room in
      for block in 0..<blocks {
        let values = row + elements * block
        let place = target + bytes * block
        let largest = largestMagnitude(values, elements)
        // The logarithm is rounded to Float32 as in ggml, where it may reach the next power.
        let exponent = largest > 0 ? log2f(largest).rounded(.down) + 125 : 0
        let power = UInt8(truncatingIfNeeded: nearestLevel(exponent, 0, 254))
        place.storeBytes(of: power, as: UInt8.self)
        let scale = halvedPower(power)
        for i in 0..<elements {
          let magnitude = abs(values[i])
          var (code, leastError): (Int32, Float) = (0, magnitude)
          for candidate in Int32(1)..<8 {
            let error = abs(numbers[Int(candidate)] * scale - magnitude)
            code = error < leastError ? candidate : code
            leastError = error < leastError ? error : leastError
          }
          room.levels[i] = code == 0 || values[i] > 0 ? code : code | 8
        }
        packNibbles(room.levels, into: place.bytes(at: 1))
      }
    }
  }
}

/// Half of 2^(exponent - 127); below the normal numbers, too.
@inline(__always)
func halvedPower(_ exponent: UInt8) -> Float {
  Float(
    bitPattern: exponent < 2
      ? 0x0020_0000 << UInt32(exponent) : UInt32(exponent &- 1) << 23
  )
}
