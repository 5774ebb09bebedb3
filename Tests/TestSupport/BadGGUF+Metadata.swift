extension BadGGUF {
  private static func value(_ type: UInt32, _ bytes: [UInt8]) -> [[UInt8]] {
    [RawGGUF.pair("general.name", type, bytes)]
  }

  /// Keys and values.
  static let metadata: [BadGGUF] = [
    BadGGUF("BAD_KEY_SIZE", saying: "key 1", "18446744073709551615") {
      $0.keys = [RawGGUF.string("x", claimed: .max) + [0, 0, 0, 0, 0]]
    },
    BadGGUF("a key longer than the format has them", saying: "key 1", "65536", "65535") {
      $0.keys = [RawGGUF.pair(String(repeating: "k", count: 65_536), 1)]
    },
    BadGGUF("an empty key", saying: "byte 24", "key 1 is empty") {
      $0.keys = [RawGGUF.pair("", 1)]
    },
    BadGGUF("a NUL in a key", saying: "NUL") { $0.keys = [RawGGUF.pair("a\0b", 1)] },
    BadGGUF("a key that is not UTF-8", saying: "key 1 is not UTF-8", "byte 32") {
      $0.keys = [RawGGUF.string(bytes: [0x61, 0xFF]) + .littleEndian(UInt32(0)) + [1]]
    },
    BadGGUF("DUPLICATE_KEY", saying: "byte 68", "general.architecture", "twice") {
      $0.keys.append(RawGGUF.pair("general.architecture", "other"))
    },
    BadGGUF("BAD_TYPE", saying: "general.name", "value type 13") { $0.keys = value(13, [0]) },
    BadGGUF("a negative type", saying: "value type 4294967295") { $0.keys = value(.max, [0]) },
    BadGGUF("a type that lies: a string that is a number", saying: "general.name") {
      $0.keys = value(8, .littleEndian(UInt32.max))
    },
    BadGGUF("a type that lies: a number that is a string", saying: "byte") {
      $0.keys = value(4, RawGGUF.string("a name")) + [RawGGUF.pair("x", 1)]
    },
    BadGGUF("a truth value of 2", saying: "general.name", "truth value 2") {
      $0.keys = value(7, [2])
    },
    BadGGUF("a truth value of 255 in an array", saying: "element 1 of 'x'", "255") {
      $0.keys = [RawGGUF.array("x", of: 7, 3, [1, 255, 0])]
    },
    BadGGUF("a string past the end", saying: "the value of 'general.name'", "1000000") {
      $0.keys = value(8, RawGGUF.string("x", claimed: 1_000_000))
    },
    BadGGUF("a string over the limit", saying: "67108865", "67108864") {
      $0.keys = value(8, RawGGUF.string("x", claimed: 64 << 20 + 1))
    },
    BadGGUF("a string of 2^64 - 1 bytes", saying: "18446744073709551615") {
      $0.keys = value(8, RawGGUF.string("x", claimed: .max))
    },
    BadGGUF("a value that is not UTF-8", saying: "general.name", "not UTF-8") {
      $0.keys = value(8, RawGGUF.string(bytes: [0xC3]))
    },
    BadGGUF("an element that is not UTF-8", saying: "element 1 of 'x'", "not UTF-8") {
      $0.keys = [
        RawGGUF.array("x", of: 8, 2, RawGGUF.string("é") + RawGGUF.string(bytes: [0xC3]))
      ]
    },
    BadGGUF("an array of arrays", saying: "'x'", "array of arrays") {
      $0.keys = [RawGGUF.array("x", of: 9, 1, .littleEndian(UInt32(4)) + .littleEndian(UInt64(0)))]
    },
    BadGGUF("deep nesting", saying: "'x'", "array of arrays") {
      let level = [UInt8].littleEndian(UInt32(9)) + .littleEndian(UInt64(1))
      $0.keys = [RawGGUF.pair("x", 9, (0..<100_000).flatMap { _ in level })]
    },
    BadGGUF("an array of an unknown type", saying: "'x'", "value type 77") {
      $0.keys = [RawGGUF.array("x", of: 77, 1, [0])]
    },
    BadGGUF("an array of 2^63 elements", saying: "'x'", "9223372036854775808", "134217728") {
      $0.keys = [RawGGUF.array("x", of: 0, 1 << 63, [0])]
    },
    BadGGUF("an array of 2^61 elements of eight bytes", saying: "2305843009213693952") {
      $0.keys = [RawGGUF.array("x", of: 10, 1 << 61, [0])]
    },
    BadGGUF("an array past the end", saying: "the elements of 'x'", "800000") {
      $0.keys = [RawGGUF.array("x", of: 10, 100_000, [0])]
    },
    BadGGUF("more strings than bytes", saying: "the elements of 'x'", "1073741824") {
      $0.keys = [RawGGUF.array("x", of: 8, 1 << 27, RawGGUF.string("a"))]
    },
    BadGGUF("BAD_ALIGN: 0", saying: "general.alignment is 0") {
      $0.keys = [RawGGUF.pair("general.alignment", 0)]
    },
    BadGGUF("BAD_ALIGN: no power of two", saying: "general.alignment is 48") {
      $0.keys = [RawGGUF.pair("general.alignment", 48)]
    },
    BadGGUF("BAD_ALIGN: 4", saying: "general.alignment is 4") {
      $0.keys = [RawGGUF.pair("general.alignment", 4)]
    },
    BadGGUF("an alignment of 2^31", saying: "general.alignment is 2147483648") {
      $0.keys = [RawGGUF.pair("general.alignment", 1 << 31)]
    },
    BadGGUF("an alignment of another type", saying: "general.alignment", "i32", "u32") {
      $0.keys = [RawGGUF.pair("general.alignment", 5, .littleEndian(Int32(32)))]
    },
    BadGGUF("an alignment that is text", saying: "general.alignment", "str") {
      $0.keys = [RawGGUF.pair("general.alignment", "32")]
    },
  ]
}
