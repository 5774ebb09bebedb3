import TestSupport
import Testing

@testable import Storage

/// XXH64 with seed 0, against values of the reference implementation.
@Suite("Checksum")
struct ChecksumTests {
  @Test(
    "known values",
    arguments: [
      ("", 0xEF46_DB37_51D8_E999), ("a", 0xD24E_C4F1_A98C_6E5B), ("abc", 0x44BC_2CF5_AD77_0999),
      ("xxhash", 0x32DD_38952C4B_C720),
      ("Nobody inspects the spammish repetition", 0xFBCE_A83C_8A37_8BF1),
    ] as [(String, UInt64)]
  )
  func known(text: String, expected: UInt64) {
    #expect(Checksum.of(Array(text.utf8)) == expected)
  }

  @Test("pieces give what the whole gives, whatever their lengths")
  func pieces() {
    var random = SeededRandom(seed: 3)
    let bytes = random.bytes(1000)
    for step in [1, 3, 7, 8, 31, 32, 33, 64, 100, 999] {
      var checksum = Checksum()
      for start in stride(from: 0, to: bytes.count, by: step) {
        Array(bytes[start..<min(start + step, bytes.count)]).withUnsafeBytes { checksum.update($0) }
      }
      #expect(checksum.value == Checksum.of(bytes))
    }
  }

  @Test("a value may be asked for on the way")
  func onTheWay() {
    var checksum = Checksum()
    [UInt8]([1, 2, 3]).withUnsafeBytes { checksum.update($0) }
    #expect(checksum.value == Checksum.of([1, 2, 3]))
    #expect(checksum.value == Checksum.of([1, 2, 3]))
    [UInt8]([4]).withUnsafeBytes { checksum.update($0) }
    #expect(checksum.value == Checksum.of([1, 2, 3, 4]))
  }

  @Test("every single bit counts")
  func bits() {
    var random = SeededRandom(seed: 4)
    var bytes = random.bytes(70)
    let value = Checksum.of(bytes)
    for bit in 0..<bytes.count * 8 {
      bytes[bit / 8] ^= 1 << UInt8(bit % 8)
      #expect(Checksum.of(bytes) != value)
      bytes[bit / 8] ^= 1 << UInt8(bit % 8)
    }
  }
}
