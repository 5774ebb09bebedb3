import TestSupport

extension BadInput {
  /// A sound model and an output that cannot be.
  private static func output(
    _ name: String,
    _ output: String,
    force: Bool = false,
    saying words: String...,
    prepare: @escaping @Sendable (Workplace) throws -> Void = { _ in }
  ) -> BadInput {
    BadInput(name, words) { place in
      try place.write()
      try prepare(place)
      let more = ["-o", place(output)] + (force ? ["--force"] : [])
      return [
        ["convert", place("model")] + more, ["compress", place("model")] + place.ids + more,
        ["plan", place("model")] + place.ids + more,
        ["calibrate", place("model")] + place.ids + more,
      ]
    }
  }

  /// Outputs that must not or cannot be written.
  static let outputs: [BadInput] = [
    output("an output that exists", "x.moepack", saying: "x.moepack", "--force") {
      try $0.folder.write("precious", to: "x.moepack")
    },
    output("an output that is the input", "model", force: true, saying: "model"),
    output(
      "an output that is a file of the input",
      "model/config.json",
      force: true,
      saying: "inside"
    ),
    output("an output inside the input", "model/x.moepack", saying: "inside"),
    output("an output in a folder that is not there", "none/x.moepack", saying: "no such folder"),
    output("an output below a file", "ids.json/x.moepack", saying: "ids.json"),
    output(
      "an output whose name is too long",
      String(repeating: "x", count: 300) + ".moepack",
      saying: "xxx"
    ),
    output("a folder in the way", "x.moepack", force: true, saying: "x.moepack") {
      try $0.folder.write("precious", to: "x.moepack/file")
    },
  ]
}
