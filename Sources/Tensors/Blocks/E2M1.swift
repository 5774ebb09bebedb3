/// The numbers of 4 bits (sign, two of exponent, one of mantissa) that MXFP4 and NVFP4 scale.
enum E2M1 {
  /// Twice each number, an integer, by its code; the memory stays.
  nonisolated(unsafe) static let doubled: UnsafePointer<Float> = {
    let room = UnsafeMutablePointer<Float>.allocate(capacity: 16)
    for (code, number) in ([0, 1, 2, 3, 4, 6, 8, 12] as [Float]).enumerated() {
      room[code] = number
      // The negative zero is read as zero, as ggml does, whose table holds integers.
      room[code + 8] = 0 - number
    }
    return UnsafePointer(room)
  }()
}
