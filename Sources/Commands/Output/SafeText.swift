internal import Glibc

/// Text made fit for a terminal or a person.
enum SafeText {
  /// Names and metadata come from a file and may hold anything: control, escape, bidirectional and
  /// invisible characters are shown, not sent, and length has a limit.
  static func shown(_ text: String, limit: Int = 400) -> String {
    var out = ""
    var count = 0
    for scalar in text.unicodeScalars {
      if count == limit { return out + "…" }
      count += 1
      switch scalar.properties.generalCategory {
      case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .surrogate,
        .unassigned:
        out += "\\u{\(String(scalar.value, radix: 16))}"
      default: out.unicodeScalars.append(scalar)
      }
    }
    return out
  }

  /// A number of bytes for people: `1.23 GB`.
  static func bytes(_ count: Int) -> String {
    let units = ["bytes", "kB", "MB", "GB", "TB"]
    var value = Double(count)
    var unit = 0
    while value >= 1000, unit < units.count - 1 {
      value /= 1000
      unit += 1
    }
    return unit == 0 ? "\(count) bytes" : "\(fixed(value, value < 10 ? 2 : 1)) \(units[unit])"
  }

  /// A large number for people: `14.3 B`.
  static func count(_ count: Int) -> String {
    let value = Double(count)
    if value >= 1e9 { return "\(fixed(value / 1e9, 2)) B" }
    if value >= 1e6 { return "\(fixed(value / 1e6, 2)) M" }
    return grouped(count)
  }

  /// `1234567` as `1,234,567`.
  static func grouped(_ count: Int) -> String {
    var digits = String(count.magnitude)
    var place = digits.count - 3
    while place > 0 {
      digits.insert(",", at: digits.index(digits.startIndex, offsetBy: place))
      place -= 3
    }
    return (count < 0 ? "-" : "") + digits
  }

  /// `value` with `digits` behind the point.
  static func fixed(_ value: Double, _ digits: Int) -> String {
    guard value.isFinite else { return "-" }
    var scale = 1.0
    for _ in 0..<digits { scale *= 10 }
    let scaled = (abs(value) * scale).rounded()
    guard scaled < 9e15 else { return "\(value)" }
    let whole = Int(scaled) / Int(scale)
    let rest = String(Int(scaled) % Int(scale))
    let sign = value < 0 && scaled > 0 ? "-" : ""
    if digits == 0 { return "\(sign)\(whole)" }
    return "\(sign)\(whole)." + String(repeating: "0", count: digits - rest.count) + rest
  }

  /// `value` with three digits behind the point and a power of ten: `1.234e-05`; plain words for what
  /// is no such number.
  static func scientific(_ value: Double) -> String {
    guard value.isFinite else { return value.isNaN ? "NaN" : value < 0 ? "-infinite" : "infinite" }
    guard value != 0 else { return "0" }
    var exponent = Int(log10(abs(value)).rounded(.down))
    var mantissa = abs(value) / pow(10, Double(exponent))
    if (mantissa * 1000).rounded() >= 10_000 {
      (mantissa, exponent) = (mantissa / 10, exponent + 1)
    }
    let power = "\(exponent < 0 ? "-" : "+")\(abs(exponent) < 10 ? "0" : "")\(abs(exponent))"
    return "\(value < 0 ? "-" : "")\(fixed(mantissa, 3))e\(power)"
  }

  /// Seconds for people: `75` as `1:15`.
  static func duration(_ seconds: Double) -> String {
    let whole = Int(seconds.rounded())
    if whole < 60 { return "\(whole) s" }
    let (minutes, rest) = (whole / 60 % 60, whole % 60)
    let tail =
      "\(minutes < 10 && whole >= 3600 ? "0" : "")\(minutes):\(rest < 10 ? "0" : "")\(rest)"
    return whole >= 3600 ? "\(whole / 3600):\(tail)" : tail
  }
}
