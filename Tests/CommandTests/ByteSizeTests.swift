import Testing

@testable import Commands

/// Sizes on the command line.
@Suite struct ByteSizeTests {
  @Test(
    "decimal and binary units are told apart",
    arguments: [
      ("1", 1), ("4096", 4096), ("1kB", 1000), ("5GB", 5_000_000_000), ("1.5MB", 1_500_000),
      ("1KiB", 1024), ("3MiB", 3 << 20), ("4GiB", 4 << 30), ("0.5KiB", 512),
    ]
  )
  func units(text: String, bytes: Int) {
    #expect(ByteSize(argument: text)?.bytes == bytes)
  }

  @Test(
    "anything else is no size",
    arguments: [
      "", "GB", "0", "0GB", "-1", "+1", "1.5", "1 GB", "1gb", "1KB", "1kb", "1TB", "1e9", "1..5GB",
      "0x10", "1,000", "inf", "nan", "99999999999999999999", "9999999999GiB", "0.0001kB", ".",
      ".GB",
      "\u{661}",
    ]
  )
  func refused(text: String) {
    #expect(ByteSize(argument: text) == nil)
  }
}
