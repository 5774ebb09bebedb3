extension TokenizerDescription.UnicodeForm {
  private var isComposed: Bool { self == .nfc || self == .nfkc }
  private var isCompatible: Bool { self == .nfkc || self == .nfkd }

  /// The normal form of `text` in `range`, or nil if that is the text as it stands.
  ///
  /// The text is valid UTF-8.
  func normalized(_ text: Span<UInt8>, _ range: Range<Int>) -> [UInt8]? {
    guard let odd = firstDoubt(text, range) else { return nil }
    let table = NormalizationTable.shared
    var scalars: [UInt32] = []
    scalars.reserveCapacity(range.upperBound - odd)
    var position = odd
    while position < range.upperBound {
      let (scalar, length) = decodeScalar(text, at: position)
      position += length
      decompose(scalar, table, into: &scalars)
    }
    let classes = UnicodeForm.order(&scalars, table)
    if isComposed { UnicodeForm.compose(&scalars, classes, table) }
    var out: [UInt8] = []
    out.reserveCapacity(range.count + range.count / 8)
    for position in range.lowerBound..<odd { out.append(text[position]) }
    for scalar in scalars { out.append(scalar: scalar) }
    return out
  }

  private typealias UnicodeForm = TokenizerDescription.UnicodeForm

  /// The place from which the text may change: the last start of a sequence before anything that is
  /// not certain to stay; nil if all stays.
  private func firstDoubt(_ text: Span<UInt8>, _ range: Range<Int>) -> Int? {
    var position = range.lowerBound
    var lastStarter = position
    var lastClass: UInt8 = 0
    // Below these nothing changes, combines or is reordered.
    let plain: UInt32 = self == .nfc ? 0x300 : self == .nfd ? 0xC0 : 0xA0
    while position < range.upperBound {
      if text[position] < 0x80 {
        lastStarter = position
        lastClass = 0
        position += 1
        continue
      }
      let (scalar, length) = decodeScalar(text, at: position)
      if scalar >= plain {
        let record = NormalizationTable.shared.record(scalar)
        if mayChange(scalar, record)
          || (record.combiningClass != 0 && record.combiningClass < lastClass)
        {
          return lastStarter
        }
        lastClass = record.combiningClass
      } else {
        lastClass = 0
      }
      if lastClass == 0 { lastStarter = position }
      position += length
    }
    return nil
  }

  private func mayChange(_ scalar: UInt32, _ record: NormalizationTable.Record) -> Bool {
    if isCompatible, record.compatible.count > 0 { return true }
    if isComposed { return record.mayCompose || record.isExcluded }
    return record.canonical.count > 0 || Hangul.syllables.contains(scalar)
  }

  private func decompose(
    _ scalar: UInt32,
    _ table: NormalizationTable,
    into scalars: inout [UInt32]
  ) {
    if scalar < 0xA0 { return scalars.append(scalar) }
    if Hangul.syllables.contains(scalar) {
      let index = scalar - Hangul.first
      scalars.append(Hangul.leads.lowerBound + index / 588)
      scalars.append(Hangul.vowels.lowerBound + index % 588 / 28)
      if index % 28 != 0 { scalars.append(Hangul.trails.lowerBound + index % 28 - 1) }
      return
    }
    let record = table.record(scalar)
    var part = record.canonical
    if isCompatible, record.compatible.count > 0 { part = record.compatible }
    if part.count == 0 { return scalars.append(scalar) }
    scalars += table.scalars[Int(part.start)..<Int(part.start) + Int(part.count)]
  }

  /// Puts marks into canonical order; returns the classes in the new order.
  private static func order(_ scalars: inout [UInt32], _ table: NormalizationTable) -> [UInt8] {
    var classes = scalars.map { table.record($0).combiningClass }
    var start = 0
    while start < scalars.count {
      if classes[start] == 0 {
        start += 1
        continue
      }
      var end = start + 1
      var isOrdered = true
      while end < scalars.count, classes[end] != 0 {
        isOrdered = isOrdered && classes[end - 1] <= classes[end]
        end += 1
      }
      if !isOrdered {
        // By class and place: order among equals must stay.
        let places = (start..<end).sorted { (classes[$0], $0) < (classes[$1], $1) }
        let (marks, values) = (places.map { scalars[$0] }, places.map { classes[$0] })
        scalars.replaceSubrange(start..<end, with: marks)
        classes.replaceSubrange(start..<end, with: values)
      }
      start = end
    }
    return classes
  }

  private static func compose(
    _ scalars: inout [UInt32],
    _ classes: [UInt8],
    _ table: NormalizationTable
  ) {
    var count = 0
    var starter: Int?
    var lastClass: UInt8 = 0
    for index in scalars.indices {
      let scalar = scalars[index]
      let value = classes[index]
      // Blocked if something stands between that is not of a lower class.
      if let place = starter, count == place + 1 || (lastClass != 0 && lastClass < value),
        let composed = table.composition(scalars[place], scalar)
      {
        scalars[place] = composed
        continue
      }
      if value == 0 { starter = count }
      lastClass = value
      scalars[count] = scalar
      count += 1
    }
    scalars.removeSubrange(count...)
  }
}

extension [UInt8] {
  /// Appends a code point in UTF-8.
  @inline(__always)
  mutating func append(scalar: UInt32) {
    if scalar < 0x80 {
      append(UInt8(truncatingIfNeeded: scalar))
    } else if scalar < 0x800 {
      append(UInt8(truncatingIfNeeded: 0xC0 | scalar >> 6))
      append(UInt8(truncatingIfNeeded: 0x80 | scalar & 0x3F))
    } else if scalar < 0x10000 {
      append(UInt8(truncatingIfNeeded: 0xE0 | scalar >> 12))
      append(UInt8(truncatingIfNeeded: 0x80 | scalar >> 6 & 0x3F))
      append(UInt8(truncatingIfNeeded: 0x80 | scalar & 0x3F))
    } else {
      append(UInt8(truncatingIfNeeded: 0xF0 | scalar >> 18))
      append(UInt8(truncatingIfNeeded: 0x80 | scalar >> 12 & 0x3F))
      append(UInt8(truncatingIfNeeded: 0x80 | scalar >> 6 & 0x3F))
      append(UInt8(truncatingIfNeeded: 0x80 | scalar & 0x3F))
    }
  }
}
