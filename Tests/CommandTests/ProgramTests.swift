import Fixtures
import Glibc
import Testing

/// The program as a whole.
@Suite struct ProgramTests {
  static let commands = [
    "calibrate", "compress", "convert", "evaluate", "inspect", "plan", "tokenize", "verify",
  ]

  @Test("--help and --version print on standard output and end well")
  func helpAndVersion() throws {
    let help = try Moepack.succeed("--help")
    for command in ProgramTests.commands { #expect(help.text.contains("\n  \(command)")) }
    #expect(help.errors.isEmpty)
    let version = try Moepack.succeed("--version")
    #expect(version.text.contains(".") && version.text.count < 40)
  }

  @Test("every command has help with its options", arguments: commands)
  func commandHelp(command: String) throws {
    let help = try Moepack.succeed(command, "--help")
    for option in ["--json", "--threads", "--seed", "--force"] {
      #expect(help.text.contains(option), "\(command) \(option)")
    }
  }

  @Test("no command shows the help")
  func noCommand() throws {
    let run = try Moepack.run([])
    #expect(run.status == 0 || run.status == 64)
    #expect((run.text + run.complaint).contains("USAGE"))
  }

  @Test("an unknown command is misuse")
  func unknownCommand() throws {
    try Moepack.fail(64, ["squeeze", "x"])
  }

  @Test("an unknown option is misuse", arguments: commands)
  func unknownOption(command: String) throws {
    try Moepack.fail(64, [command, Sample.micro, "--frobnicate"])
  }

  @Test("it runs from an empty directory, and leaves nothing there")
  func emptyDirectory() throws {
    let scratch = try ScratchFolder()
    try scratch.makeFolder("here")
    let here = scratch("here")
    try Moepack.succeed("inspect", Sample.micro, in: here)
    try Moepack.succeed("verify", Sample.micro, in: here)
    try Moepack.succeed(
      "evaluate",
      Sample.micro,
      "--text",
      Sample.heldout,
      "--tokens",
      "64",
      "--context",
      "32",
      in: here
    )
    // The built-in text needs no file either.
    try Moepack.succeed(
      "compress",
      Sample.micro,
      "-o",
      scratch("out.moepack"),
      "--tokens",
      "512",
      "--context",
      "64",
      in: here
    )
    #expect(try ScratchFolder.names(in: here).isEmpty)
    #expect(try ScratchFolder.names(in: scratch.path) == ["here", "out.moepack"])
  }

  @Test("a broken pipe is quiet", arguments: [["inspect", "--json"], ["inspect", "--tensors"]])
  func brokenPipe(arguments: [String]) throws {
    let run = try Moepack.run(arguments + [Sample.micro], output: .brokenPipe)
    #expect(run.errors.isEmpty, "\(run.complaint)")
    #expect(run.status == 0 || run.signal == SIGPIPE)
  }

  @Test("shell completions are made", arguments: ["bash", "zsh", "fish"])
  func completions(shell: String) throws {
    let run = try Moepack.succeed("--generate-completion-script", shell)
    #expect(run.text.contains("moepack"))
  }
}
