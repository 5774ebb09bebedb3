internal import ArgumentParser
internal import Checkpoint
internal import Evaluation
internal import SystemPackage

/// The text that measures a model.
struct CalibrationTextOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Calibration text: .txt, or .jsonl with 'text' per line (default: a text inside the tool).",
      valueName: "file"
    ),
    completion: .file(extensions: ["txt", "jsonl"])
  )
  var calibration: String?

  @Option(
    help: ArgumentHelp("Token ids in place of text: a JSON list.", valueName: "file"),
    completion: .file(extensions: ["json"])
  )
  var ids: String?

  @Option(help: ArgumentHelp("Calibration tokens (default: 16384).", valueName: "n"))
  var tokens: Int?

  @Option(help: ArgumentHelp("Tokens per window (default: 512).", valueName: "n"))
  var context: Int?

  func validate() throws {
    if calibration != nil, ids != nil {
      throw ValidationError("--calibration and --ids exclude each other")
    }
    try TextOptions.requirePositive("--context", context, atMost: 1 << 20)
    try TextOptions.requirePositive("--tokens", tokens)
  }

  /// Tokens per window.
  var windowLength: Int { context ?? 512 }

  /// Inputs that an output must not replace.
  var inputs: [FilePath] { [calibration, ids].compactMap { $0.map { FilePath($0) } } }

  /// The token stream for `checkpoint`.
  func stream(for checkpoint: Checkpoint) throws -> TokenStream {
    let source: TextSource
    if let ids {
      source = .ids(FilePath(ids))
    } else if let calibration {
      source = .file(FilePath(calibration))
    } else {
      source = try .builtIn()
    }
    let stream = try TokenStream(
      source,
      for: checkpoint,
      context: windowLength,
      limit: tokens ?? 16384
    )
    if let shortfall = stream.shortfall, tokens != nil {
      Console.warn("the text has \(shortfall) tokens, fewer than --tokens asks for; all are used")
    }
    return stream
  }

  /// Warns where a number of tokens was given that the stream does not have.
  static func warn(_ option: String, _ wanted: Int?, of stream: TokenStream) {
    guard let wanted, wanted > stream.ids.count else { return }
    Console.warn(
      "\(option) asks for \(wanted) tokens, and calibration has \(stream.ids.count); all are used"
    )
  }
}
