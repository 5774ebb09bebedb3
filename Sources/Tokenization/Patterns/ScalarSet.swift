/// A set of code points, as a pattern describes it.
///
/// Membership is worked out from scratch each time; ``PatternState`` remembers the answers.
indirect enum ScalarSet: Equatable, Sendable {
  /// These code points.
  case ranges([ClosedRange<UInt32>])
  /// The code points of these general categories.
  case categories(GeneralCategories)
  /// Letters and what combines with them: Unicode's `Alphabetic`.
  case alphabetic
  /// Unicode's `Uppercase`.
  case uppercase
  /// Unicode's `Lowercase`.
  case lowercase
  /// Numbers as Rust's standard library has them, by a later Unicode than the categories.
  case rustNumeric
  /// Punctuation as of Unicode 8 and what ASCII has besides, as the crate `unicode_categories` says.
  case punctuation8
  /// All that the set does not hold.
  case not(ScalarSet)
  /// All that any of the sets holds.
  case union([ScalarSet])
  /// All that every one of the sets holds.
  case intersection([ScalarSet])

  /// Whether `scalar` belongs to the set.
  func contains(_ scalar: UInt32) -> Bool {
    switch self {
    case .ranges(let ranges): ranges.contains { $0.contains(scalar) }
    case .categories(let categories): categories.contains(GeneralCategories(of: scalar))
    case .alphabetic: properties(of: scalar)?.isAlphabetic ?? false
    case .uppercase: properties(of: scalar)?.isUppercase ?? false
    case .lowercase: properties(of: scalar)?.isLowercase ?? false
    case .rustNumeric: isNumber(scalar)
    case .punctuation8: isPunctuation8(scalar)
    case .not(let set): !set.contains(scalar)
    case .union(let sets): sets.contains { $0.contains(scalar) }
    case .intersection(let sets): sets.allSatisfy { $0.contains(scalar) }
    }
  }

  private func isNumber(_ value: UInt32) -> Bool {
    switch Unicode.Scalar(value)?.properties.generalCategory {
    case .decimalNumber, .letterNumber, .otherNumber: true
    default: false
    }
  }

  private func isPunctuation8(_ value: UInt32) -> Bool {
    switch value {
    case 0x24, 0x2B, 0x3C...0x3E, 0x5E, 0x60, 0x7C, 0x7E, 0x166D, 0x111C9: return true
    default:
      guard let age = Unicode.Scalar(value)?.properties.age else { return false }
      return GeneralCategories.punctuation.contains(GeneralCategories(of: value))
        && (age.major, age.minor) <= (8, 0)
    }
  }

  private func properties(of scalar: UInt32) -> Unicode.Scalar.Properties? {
    GeneralCategories(of: scalar) == .unassigned ? nil : Unicode.Scalar(scalar)?.properties
  }
}

extension ScalarSet {
  /// `\s`: Unicode's `White_Space`.
  static let whitespace = ScalarSet.ranges([
    0x09...0x0D, 0x20...0x20, 0x85...0x85, 0xA0...0xA0, 0x1680...0x1680, 0x2000...0x200A,
    0x2028...0x2029, 0x202F...0x202F, 0x205F...0x205F, 0x3000...0x3000,
  ])

  /// `\d`.
  static let digit = ScalarSet.categories(.decimalNumber)

  /// `\w` inside a class.
  static let word = ScalarSet.union([
    .alphabetic, .categories([.marks, .decimalNumber, .connectorPunctuation]),
  ])

  /// `\w` and `\b` on their own: there Oniguruma counts Latin-1's superscripts and fractions in.
  static let lonelyWord = ScalarSet.union([word, .ranges([0xB2...0xB3, 0xB9...0xB9, 0xBC...0xBE])])

  /// `\w` as Rust's `regex` has it.
  static let rustWord = ScalarSet.union([word, .ranges([0x200C...0x200D])])

  /// `\h` in Ruby's syntax: hexadecimal digits.
  static let hexDigit = ScalarSet.ranges([0x30...0x39, 0x41...0x46, 0x61...0x66])

  /// `.`: everything but a line feed.
  static let dot = ScalarSet.not(.ranges([0x0A...0x0A]))

  /// The set that `\p{name}` stands for; nil if unknown.
  ///
  /// As in Oniguruma case, spaces, hyphens and underscores in the name do not matter.
  static func property(named name: String) -> ScalarSet? {
    let plain = name.unicodeScalars.filter { !" -_".unicodeScalars.contains($0) }
    let key = String(String.UnicodeScalarView(plain)).lowercased()
    if let categories = GeneralCategories(named: key) { return .categories(categories) }
    switch key {
    case "alpha", "alphabetic": return .alphabetic
    case "upper", "uppercase": return .uppercase
    case "lower", "lowercase": return .lowercase
    case "space", "whitespace": return .whitespace
    case "digit": return .digit
    case "alnum": return .union([.alphabetic, .digit])
    case "punct": return .categories(.punctuation)
    case "any": return .ranges([0...0x10FFFF])
    case "ascii": return .ranges([0...0x7F])
    case "han": return .ranges(Script.han)
    case "hiragana": return .ranges(Script.hiragana)
    case "katakana": return .ranges(Script.katakana)
    case "hangul": return .ranges(Script.hangul)
    default: return nil
    }
  }

  /// The property names understood, for messages.
  static let propertyNames =
    "general categories (L, Lu, …), Alphabetic, Uppercase, Lowercase, White_Space, Digit, Alnum,"
    + " Punct, Any, ASCII, Han, Hiragana, Katakana, Hangul"
}

/// Scripts of Unicode 16, which the standard library does not tell.
private enum Script {
  static let han: [ClosedRange<UInt32>] = [
    0x2E80...0x2E99, 0x2E9B...0x2EF3, 0x2F00...0x2FD5, 0x3005...0x3005, 0x3007...0x3007,
    0x3021...0x3029, 0x3038...0x303B, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xF900...0xFA6D,
    0xFA70...0xFAD9, 0x16FE2...0x16FE3, 0x16FF0...0x16FF1, 0x20000...0x2A6DF, 0x2A700...0x2B739,
    0x2B740...0x2B81D, 0x2B820...0x2CEA1, 0x2CEB0...0x2EBE0, 0x2EBF0...0x2EE5D, 0x2F800...0x2FA1D,
    0x30000...0x3134A, 0x31350...0x323AF,
  ]
  static let hiragana: [ClosedRange<UInt32>] = [
    0x3041...0x3096, 0x309D...0x309F, 0x1B001...0x1B11F, 0x1B132...0x1B132, 0x1B150...0x1B152,
    0x1F200...0x1F200,
  ]
  static let katakana: [ClosedRange<UInt32>] = [
    0x30A1...0x30FA, 0x30FD...0x30FF, 0x31F0...0x31FF, 0x32D0...0x32FE, 0x3300...0x3357,
    0xFF66...0xFF6F, 0xFF71...0xFF9D, 0x1AFF0...0x1AFF3, 0x1AFF5...0x1AFFB, 0x1AFFD...0x1AFFE,
    0x1B000...0x1B000, 0x1B120...0x1B122, 0x1B155...0x1B155, 0x1B164...0x1B167,
  ]
  static let hangul: [ClosedRange<UInt32>] = [
    0x1100...0x11FF, 0x302E...0x302F, 0x3131...0x318E, 0x3200...0x321E, 0x3260...0x327E,
    0xA960...0xA97C, 0xAC00...0xD7A3, 0xD7B0...0xD7C6, 0xD7CB...0xD7FB, 0xFFA0...0xFFBE,
    0xFFC2...0xFFC7, 0xFFCA...0xFFCF, 0xFFD2...0xFFD7, 0xFFDA...0xFFDC,
  ]
}
