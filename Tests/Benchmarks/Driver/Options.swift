import Glibc

/// What the command line asks for.
struct Options {
  static let allRows = [
    "pack", "convert", "gguf", "encoders", "forward", "factor", "search", "tokenize", "stages",
  ]

  var bench: Bench
  var rows = Options.allRows

  init(_ arguments: [String]) throws {
    var values = [
      "--tool": ".build/release/moepack", "--work": ".build-bench/work",
      "--python": ".build-bench/peers/bin/python", "--only": "",
    ]
    var isQuick = false
    var rest = arguments[...]
    while let word = rest.popFirst() {
      if word == "--quick" {
        isQuick = true
      } else if values[word] != nil, let value = rest.popFirst() {
        values[word] = value
      } else {
        throw Failure("unexpected argument '\(word)'")
      }
    }
    let only = values["--only", default: ""].split(separator: ",").map(String.init)
    if let unknown = only.first(where: { !Options.allRows.contains($0) }) {
      throw Failure("no row '\(unknown)'; there are \(Options.allRows.joined(separator: ", "))")
    }
    if !only.isEmpty { rows = only }
    let program = CommandLine.arguments[0]
    bench = Bench(
      tool: values["--tool", default: ""],
      programs: String(program[..<(program.lastIndex(of: "/") ?? program.startIndex)]),
      work: values["--work", default: ""],
      python: values["--python", default: ""],
      isQuick: isQuick
    )
  }
}
