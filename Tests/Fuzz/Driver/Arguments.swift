import Glibc

/// What was asked for on the command line.
struct Arguments {
  var target = ""
  var seconds = 20
  var seed: UInt64 = 1
  /// The number of the first input; every input depends on the seed and its number alone.
  var first = 0
  var isChild = false
  var scratch = ""
  var replay: [String] = []
  var seedFolder: String?

  init(_ words: ArraySlice<String>) {
    var words = words
    target = words.popFirst() ?? ""
    while let word = words.popFirst() {
      switch word {
      case "--seconds": seconds = Arguments.number(&words)
      case "--seed": seed = UInt64(Arguments.number(&words))
      case "--from": first = Arguments.number(&words)
      case "--child":
        isChild = true
        scratch = words.popFirst() ?? ""
      case "--write-seeds": seedFolder = words.popFirst()
      case "--replay":
        replay = Array(words)
        words = []
      default:
        complain("fuzz: unknown option \(word)")
        exit(64)
      }
    }
  }

  private static func number(_ words: inout ArraySlice<String>) -> Int {
    guard let number = words.popFirst().flatMap({ Int($0) }), number >= 0 else {
      complain("fuzz: a whole number is missing")
      exit(64)
    }
    return number
  }
}
