internal import ArgumentParser
internal import Conversion
internal import GGUF
internal import ImportanceMatrix
internal import SystemPackage
internal import Tensors

/// What `convert` is told of a GGUF output only.
struct GGUFOutputOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "GGUF: the element type of the weights whose names match; may be repeated, the first match"
        + " counts.",
      valueName: "regex=type"
    )
  )
  var typeFor: [TypeForArgument] = []

  @Option(
    help: ArgumentHelp(
      "GGUF: how much errors count in quantising, as calibrate --imatrix or llama-imatrix writes it.",
      valueName: "file"
    ),
    completion: .file()
  )
  var imatrix: String?

  @OptionGroup var split: SplitLimitOptions

  @Option(
    help: ArgumentHelp(
      "GGUF: llama.cpp's name of the pre-tokenizer, such as qwen2 or llama-bpe.",
      valueName: "name"
    )
  )
  var pre: String?

  @Option(
    help: ArgumentHelp("GGUF: take the tokenizer of this file.", valueName: "file"),
    completion: .file(extensions: ["gguf"])
  )
  var tokenizerFrom: String?

  @Flag(help: "GGUF: write no tokenizer.")
  var noTokenizer = false

  @Flag(
    help: ArgumentHelp(
      "GGUF: keep factors and each layer's own number of experts, under an architecture of our own that"
        + " moepack reads and llama.cpp does not."
    )
  )
  var factored = false

  @Option(
    help: ArgumentHelp(
      "GGUF: leave out tensors without a role in their family whose names match.",
      valueName: "regex"
    )
  )
  var ignore: RegexArgument?

  @OptionGroup var lora: LoRAOutputOptions

  func validate() throws {
    if lora.loraBase != nil, let given = firstOfModel {
      throw ValidationError(
        "\(given) cannot apply: with --lora-base the output is an adapter, which has no tokenizer, one"
          + " file and one type, see --lora-type"
      )
    }
    let given = [
      ("--pre", pre != nil), ("--tokenizer-from", tokenizerFrom != nil),
      ("--no-tokenizer", noTokenizer),
    ].filter(\.1).map(\.0)
    if given.count > 1 { throw ValidationError("\(given[0]) and \(given[1]) exclude each other") }
  }

  /// Files that are read beside the model.
  var inputs: [String] { [imatrix, tokenizerFrom, lora.loraBase].compactMap { $0 } }

  /// The first option given, which makes sense for GGUF only.
  var firstGiven: String? { firstOfModel ?? lora.firstGiven }

  /// The first option given that says something of a model.
  private var firstOfModel: String? {
    [
      ("--type-for", !typeFor.isEmpty), ("--imatrix", imatrix != nil),
      ("--split-max-size", split.splitMaxSize != nil),
      ("--split-max-tensors", split.splitMaxTensors != nil), ("--pre", pre != nil),
      ("--tokenizer-from", tokenizerFrom != nil), ("--no-tokenizer", noTokenizer),
      ("--factored", factored), ("--ignore", ignore != nil),
    ].first(where: \.1)?.0
  }

  /// The options for the library.
  func options(fileType: GGUFFileType?) throws -> GGUFOptions {
    var options = GGUFOptions()
    options.fileType = fileType
    options.overrides = typeFor.map { argument in
      (matches: { argument.regex.matches($0) }, type: argument.type)
    }
    options.importance = try imatrix.map { try ImportanceMatrix(reading: FilePath($0)) }
    options.limits = split.limits()
    options.preTokenizer = pre
    options.tokenizerDonor = try tokenizerFrom.map { try GGUFCollection(FilePath($0)) }
    options.hasNoTokenizer = noTokenizer
    options.isFactored = factored
    if let ignore { options.isIgnored = { ignore.matches($0) } }
    options.adapter = try lora.options()
    return options
  }
}

/// REGEX=TYPE on the command line.
struct TypeForArgument: ExpressibleByArgument {
  let regex: RegexArgument
  let type: ElementType

  init?(argument: String) {
    guard let equals = argument.lastIndex(of: "="),
      let regex = RegexArgument(argument: String(argument[..<equals])), equals > argument.startIndex
    else { return nil }
    let type = ElementType(name: argument[argument.index(after: equals)...].uppercased())
    guard type.isEncodable, type.ggmlID != nil, type != .f64 else { return nil }
    self.regex = regex
    self.type = type
  }
}
