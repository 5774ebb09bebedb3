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
      every byte of padding. For safetensors the rules of the format are checked, since it has no \
      checksums. Exits with 1 if anything is wrong.
      """
  )

  @OptionGroup var input: ModelArgument
  @OptionGroup var common: CommonOptions

  func run() throws {
    let verification = Verification(path: input.model, threads: common.threads)
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
