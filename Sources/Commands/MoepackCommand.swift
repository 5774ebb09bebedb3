public import ArgumentParser
internal import Glibc
internal import Storage

/// The root of the command line.
public struct MoepackCommand: AsyncParsableCommand {
  /// Name, abstract and subcommands.
  public static let configuration = CommandConfiguration(
    commandName: "moepack",
    abstract: "Make Mixture-of-Experts language models small enough for the machine you have.",
    discussion: """
      A MODEL is a Hugging Face checkpoint folder (config.json, *.safetensors, tokenizer.json), a \
      single .safetensors file, a GGUF file or any of its splits, or a .moepack file. Weights are \
      streamed, so that memory stays far below the size of the model.
      """,
    version: Version.text,
    groupedSubcommands: [
      CommandGroup(name: "The main job", subcommands: [CompressCommand.self]),
      CommandGroup(
        name: "Its steps and a look at its result",
        subcommands: [
          CalibrateCommand.self, PlanCommand.self, EvaluateCommand.self, VerifyCommand.self,
        ]
      ),
      CommandGroup(
        name: "Files and formats",
        subcommands: [
          InspectCommand.self, DiffCommand.self, ConvertCommand.self, EditCommand.self,
          SplitCommand.self,
          MergeCommand.self, TokenizeCommand.self,
        ]
      ),
    ]
  )

  /// Made by the parser.
  public init() {}

  /// Parses the command line, runs what it asks for and exits with its status.
  public static func start() async {
    // A reader that has seen enough closes the pipe; that is no failure of ours.
    signal(SIGPIPE, SIG_DFL)
    // A file at its size limit is an error to report, not to die of.
    signal(SIGXFSZ, SIG_IGN)
    Interruption.watch()
    ProcessMemory.returnLargeBuffers()
    do {
      var command = try await asyncParseAsRoot()
      if var asynchronous = command as? any AsyncParsableCommand {
        try await asynchronous.run()
      } else {
        try command.run()
      }
    } catch {
      end(with: error)
    }
  }

  /// Ends the program as the parser would, except that names in a message, which come from files, are
  /// shown and not sent.
  private static func end(with error: any Error) -> Never {
    let status = exitCode(for: error)
    guard !status.isSuccess else { exit(withError: error) }
    let message = fullMessage(for: error)
    // Misuse is told in several lines, a failure in one.
    let lines =
      status == .validationFailure
      ? message.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
      : [message]
    if !message.isEmpty {
      Console.note(lines.map { SafeText.shown($0, limit: 4000) }.joined(separator: "\n"))
    }
    Glibc.exit(status.rawValue)
  }
}

/// What this program calls itself.
public enum Version {
  /// The version.
  public static let text = "0.1.0"
  /// Name and version, as written into files.
  public static let tool = "moepack \(text)"
}
