internal import Storage
internal import TestSupport

/// Finds the sections of a pack and makes its checksums fit, as far as its bytes allow.
struct PackRepair {
  /// The five sections; empty if they are not where a pack has them.
  let sections: [Range<Int>]
  private let bytes: [UInt8]

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
    sections = PackRepair.sections(of: bytes) ?? []
  }

  private static func sections(of bytes: [UInt8]) -> [Range<Int>]? {
    guard bytes.count >= 224 else { return nil }
    var sections: [Range<Int>] = []
    for number in 0..<5 {
      let record = bytes.count - 160 + 24 * number
      guard let offset = Int(exactly: bytes.integer(UInt64.self, at: record)),
        let length = Int(exactly: bytes.integer(UInt64.self, at: record + 8)),
        offset <= bytes.count - 160, length <= bytes.count - 160 - offset
      else { return nil }
      sections.append(offset..<offset + length)
    }
    return zip(sections, sections.dropFirst()).allSatisfy { $0.upperBound <= $1.lowerBound }
      ? sections : nil
  }

  /// The pack with another content of section `number`, what follows moved, all offsets and
  /// checksums right.
  func replacing(_ number: Int, with content: [UInt8]) -> [UInt8] {
    guard sections.count == 5 else { return bytes }
    var out = Array(bytes[..<sections[0].lowerBound])
    var footer = Array(bytes[(bytes.count - 160)...])
    for (place, range) in sections.enumerated() {
      while out.count % 8 != 0 { out.append(0) }
      let section = place == number ? content : Array(bytes[range])
      footer.put(UInt64(out.count), at: 24 * place)
      footer.put(UInt64(section.count), at: 24 * place + 8)
      out += section
    }
    while out.count % 8 != 0 { out.append(0) }
    footer.put(UInt64(out.count + 160), at: 136)
    return PackRepair.repaired(out + footer)
  }

  /// `bytes` with the checksums of header, stored chunks, sections and footer made to fit.
  static func repaired(_ bytes: [UInt8]) -> [UInt8] {
    guard bytes.count >= 224 else { return bytes }
    var bytes = bytes
    bytes.put(Checksum.of(Array(bytes[..<56])), at: 56)
    let footer = bytes.count - 160
    if let sections = sections(of: bytes) {
      for record in stride(from: sections[1].lowerBound, to: sections[1].upperBound - 31, by: 32) {
        guard let offset = Int(exactly: bytes.integer(UInt64.self, at: record)),
          case let stored = Int(bytes.integer(UInt32.self, at: record + 8)),
          offset <= bytes.count, stored <= bytes.count - offset
        else { continue }
        bytes.put(Checksum.of(Array(bytes[offset..<offset + stored])), at: record + 24)
      }
      for (number, range) in sections.enumerated() {
        bytes.put(Checksum.of(Array(bytes[range])), at: footer + 24 * number + 16)
      }
    }
    bytes.put(Checksum.of(Array(bytes[footer..<footer + 144])), at: footer + 144)
    return bytes
  }
}
