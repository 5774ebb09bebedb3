internal import ArgumentParser
internal import Checkpoint
internal import Conversion
internal import JSON

/// `moepack verify`.
struct VerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Check a file against its own checksums and rules.",
    discussion: """
      A .moepack file is read from end to end: every chunk and every tensor against its checksum, \
      every byte of padding, every value. safetensors and GGUF have no checksums: of those the rules \
      of the format are checked, of GGUF also gaps, order and padding, of safetensors also the \
      values, and that nothing is missing where the family is known. --deep looks at the values of \
      GGUF files, too, block scales included. Exits with 1 if anything is wrong.
      """
  )

  @OptionGroup var input: ModelArgument
  @OptionGroup var common: CommonOptions

  @Flag(
    help: ArgumentHelp(
      "Look for NaN and infinity among all values and block scales in every format, whatever else is"
        + " wrong, and say where in a tensor they are."
    )
  )
  var deep = false

  func run() throws {
    let verification = Verification(
      path: input.model,
      threads: common.threads,
      isDeep: deep
    )
    var line: ProgressLine?
    let problems = verification.run { total in
      line = ProgressLine("verify", total: total, unit: .bytes)
    } progress: {
      line?.advance($0)
    }
    line?.finish()
    if common.json {
      Console.print([
        "ok": .bool(problems.isEmpty),
        "problems": .array(
          problems.map { problem in
            [
              "file": .string(problem.file), "place": .string(problem.place),
              "message": .string(problem.message),
            ]
          }
        ),
      ])
    } else if problems.isEmpty {
      Console.print("\(SafeText.shown(input.model)): ok")
    } else {
      for problem in problems { Console.print(SafeText.shown(problem.message, limit: 2000)) }
    }
    if !problems.isEmpty { throw ExitCode(1) }
  }
}
