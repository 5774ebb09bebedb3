internal import ArgumentParser
internal import Checkpoint
internal import Conversion
internal import Tensors

/// What `convert` is told of a LoRA adapter as its output.
struct LoRAOutputOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "GGUF: write no model but a LoRA adapter for this base, a GGUF file of the same model in fewer"
        + " bits; llama.cpp adds with it, at low rank, what the base's routed experts lost.",
      valueName: "file"
    ),
    completion: .file(extensions: ["gguf"])
  )
  var loraBase: String?

  @Option(
    help: ArgumentHelp("GGUF: rank of the adapter (default: 32).", valueName: "n")
  )
  var loraRank: Int?

  @Option(
    help: ArgumentHelp(
      "GGUF: element type of the adapter: F16, BF16, F32 or Q8_0 (default: F16).",
      valueName: "type"
    )
  )
  var loraType: String?

  private var elementType: ElementType? { loraType.map { ElementType(name: $0.uppercased()) } }

  func validate() throws {
    if let rank = loraRank, !(1...1 << 20).contains(rank) {
      throw ValidationError("--lora-rank needs a whole number from 1")
    }
    if let loraType, !LoRAOptions.types.contains(where: { $0 == elementType }) {
      let names = LoRAOptions.types.map(\.name).joined(separator: ", ")
      throw ValidationError("--lora-type '\(loraType)' is none of \(names)")
    }
    if loraBase == nil, let given = firstGiven {
      throw ValidationError("\(given) needs --lora-base")
    }
  }

  /// The first option given.
  var firstGiven: String? {
    [
      ("--lora-base", loraBase != nil), ("--lora-rank", loraRank != nil),
      ("--lora-type", loraType != nil),
    ].first(where: \.1)?.0
  }

  /// The options for the library; nil if no adapter is asked for.
  func options() throws -> LoRAOptions? {
    guard let loraBase else { return nil }
    let base = try Checkpoint(loraBase)
    for warning in base.warnings { Console.warn(warning) }
    var options = LoRAOptions(base: base)
    if let loraRank { options.rank = loraRank }
    if let elementType { options.type = elementType }
    return options
  }
}
