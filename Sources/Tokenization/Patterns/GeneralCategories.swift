/// A set of Unicode general categories.
///
/// The categories are those of Unicode 16, which the Oniguruma inside the `tokenizers` package
/// knows; what later versions added counts as unassigned.
struct GeneralCategories: OptionSet, Sendable {
  let rawValue: UInt32

  init(rawValue: UInt32) { self.rawValue = rawValue }

  static let uppercaseLetter = Self(rawValue: 1 << 0)
  static let lowercaseLetter = Self(rawValue: 1 << 1)
  static let titlecaseLetter = Self(rawValue: 1 << 2)
  static let modifierLetter = Self(rawValue: 1 << 3)
  static let otherLetter = Self(rawValue: 1 << 4)
  static let nonspacingMark = Self(rawValue: 1 << 5)
  static let spacingMark = Self(rawValue: 1 << 6)
  static let enclosingMark = Self(rawValue: 1 << 7)
  static let decimalNumber = Self(rawValue: 1 << 8)
  static let letterNumber = Self(rawValue: 1 << 9)
  static let otherNumber = Self(rawValue: 1 << 10)
  static let connectorPunctuation = Self(rawValue: 1 << 11)
  static let dashPunctuation = Self(rawValue: 1 << 12)
  static let openPunctuation = Self(rawValue: 1 << 13)
  static let closePunctuation = Self(rawValue: 1 << 14)
  static let initialPunctuation = Self(rawValue: 1 << 15)
  static let finalPunctuation = Self(rawValue: 1 << 16)
  static let otherPunctuation = Self(rawValue: 1 << 17)
  static let mathSymbol = Self(rawValue: 1 << 18)
  static let currencySymbol = Self(rawValue: 1 << 19)
  static let modifierSymbol = Self(rawValue: 1 << 20)
  static let otherSymbol = Self(rawValue: 1 << 21)
  static let spaceSeparator = Self(rawValue: 1 << 22)
  static let lineSeparator = Self(rawValue: 1 << 23)
  static let paragraphSeparator = Self(rawValue: 1 << 24)
  static let control = Self(rawValue: 1 << 25)
  static let format = Self(rawValue: 1 << 26)
  static let surrogate = Self(rawValue: 1 << 27)
  static let privateUse = Self(rawValue: 1 << 28)
  static let unassigned = Self(rawValue: 1 << 29)

  static let letters: Self = [
    .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter,
  ]
  static let marks: Self = [.nonspacingMark, .spacingMark, .enclosingMark]
  static let numbers: Self = [.decimalNumber, .letterNumber, .otherNumber]
  static let punctuation: Self = [
    .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation,
    .initialPunctuation, .finalPunctuation, .otherPunctuation,
  ]
  static let symbols: Self = [.mathSymbol, .currencySymbol, .modifierSymbol, .otherSymbol]
  static let separators: Self = [.spaceSeparator, .lineSeparator, .paragraphSeparator]
  static let others: Self = [.control, .format, .surrogate, .privateUse, .unassigned]

  /// The category of one code point.
  init(of value: UInt32) {
    guard let scalar = Unicode.Scalar(value) else {
      self = .surrogate
      return
    }
    let properties = scalar.properties
    if value == 0x295 {
      self = .lowercaseLetter  // Unicode 17 made it Lo.
    } else if let age = properties.age, age.major > 16 {
      self = .unassigned
    } else {
      self.init(properties.generalCategory)
    }
  }

  private init(_ category: Unicode.GeneralCategory) {
    self =
      switch category {
      case .uppercaseLetter: .uppercaseLetter
      case .lowercaseLetter: .lowercaseLetter
      case .titlecaseLetter: .titlecaseLetter
      case .modifierLetter: .modifierLetter
      case .otherLetter: .otherLetter
      case .nonspacingMark: .nonspacingMark
      case .spacingMark: .spacingMark
      case .enclosingMark: .enclosingMark
      case .decimalNumber: .decimalNumber
      case .letterNumber: .letterNumber
      case .otherNumber: .otherNumber
      case .connectorPunctuation: .connectorPunctuation
      case .dashPunctuation: .dashPunctuation
      case .openPunctuation: .openPunctuation
      case .closePunctuation: .closePunctuation
      case .initialPunctuation: .initialPunctuation
      case .finalPunctuation: .finalPunctuation
      case .otherPunctuation: .otherPunctuation
      case .mathSymbol: .mathSymbol
      case .currencySymbol: .currencySymbol
      case .modifierSymbol: .modifierSymbol
      case .otherSymbol: .otherSymbol
      case .spaceSeparator: .spaceSeparator
      case .lineSeparator: .lineSeparator
      case .paragraphSeparator: .paragraphSeparator
      case .control: .control
      case .format: .format
      case .surrogate: .surrogate
      case .privateUse: .privateUse
      case .unassigned: .unassigned
      @unknown default: .unassigned
      }
  }

  /// The categories that a property name in lower case, without separators, stands for.
  init?(named name: String) {
    guard let categories = Self.named[name] else { return nil }
    self = categories
  }

  private static let named: [String: Self] = [
    "l": .letters, "letter": .letters,
    "lu": .uppercaseLetter, "uppercaseletter": .uppercaseLetter,
    "ll": .lowercaseLetter, "lowercaseletter": .lowercaseLetter,
    "lt": .titlecaseLetter, "titlecaseletter": .titlecaseLetter,
    "lm": .modifierLetter, "modifierletter": .modifierLetter,
    "lo": .otherLetter, "otherletter": .otherLetter,
    "m": .marks, "mark": .marks,
    "mn": .nonspacingMark, "nonspacingmark": .nonspacingMark,
    "mc": .spacingMark, "spacingmark": .spacingMark,
    "me": .enclosingMark, "enclosingmark": .enclosingMark,
    "n": .numbers, "number": .numbers,
    "nd": .decimalNumber, "decimalnumber": .decimalNumber,
    "nl": .letterNumber, "letternumber": .letterNumber,
    "no": .otherNumber, "othernumber": .otherNumber,
    "p": .punctuation, "punctuation": .punctuation,
    "pc": .connectorPunctuation, "connectorpunctuation": .connectorPunctuation,
    "pd": .dashPunctuation, "dashpunctuation": .dashPunctuation,
    "ps": .openPunctuation, "openpunctuation": .openPunctuation,
    "pe": .closePunctuation, "closepunctuation": .closePunctuation,
    "pi": .initialPunctuation, "initialpunctuation": .initialPunctuation,
    "pf": .finalPunctuation, "finalpunctuation": .finalPunctuation,
    "po": .otherPunctuation, "otherpunctuation": .otherPunctuation,
    "s": .symbols, "symbol": .symbols,
    "sm": .mathSymbol, "mathsymbol": .mathSymbol,
    "sc": .currencySymbol, "currencysymbol": .currencySymbol,
    "sk": .modifierSymbol, "modifiersymbol": .modifierSymbol,
    "so": .otherSymbol, "othersymbol": .otherSymbol,
    "z": .separators, "separator": .separators,
    "zs": .spaceSeparator, "spaceseparator": .spaceSeparator,
    "zl": .lineSeparator, "lineseparator": .lineSeparator,
    "zp": .paragraphSeparator, "paragraphseparator": .paragraphSeparator,
    "c": .others, "other": .others,
    "cc": .control, "control": .control, "cntrl": .control,
    "cf": .format, "format": .format,
    "cs": .surrogate, "surrogate": .surrogate,
    "co": .privateUse, "privateuse": .privateUse,
    "cn": .unassigned, "unassigned": .unassigned,
  ]
}
