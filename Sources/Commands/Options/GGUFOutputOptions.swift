internal import ArgumentParser
internal import Conversion
internal import GGUF
internal import ImportanceMatrix
internal import SystemPackage
internal import Tensors
internal import Tokenization

/// What `convert` is told of a GGUF output only.
struct GGUFOutputOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "GGUF: the element type of the weights whose names match; may be repeated, the first match"
        + " counts.",
      valueName: "regex=type"
    ),
    transform: TypeForArgument.init
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
    if let pre {
      do { try GGMLPreTokenizer.requireKnown(pre) } catch {
        throw ValidationError("\(error)")
      }
    }
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
struct TypeForArgument {
  let regex: RegexArgument
  let type: ElementType

  /// Types that a tensor of a GGUF file can be given.
  private static let types = ElementType.known.filter {
    $0.isEncodable && $0.ggmlID != nil && $0 != .f64
  }

  init(_ argument: String) throws {
    guard let equals = argument.lastIndex(of: "="), equals > argument.startIndex else {
      throw ValidationError("--type-for takes REGEX=TYPE, not '\(argument)'")
    }
    guard let regex = RegexArgument(argument: String(argument[..<equals])) else {
      throw ValidationError("--type-for: '\(argument[..<equals])' is no regular expression")
    }
    let type = ElementType(name: argument[argument.index(after: equals)...].uppercased())
    guard TypeForArgument.types.contains(type) else {
      throw ValidationError(
        "--type-for: '\(argument[argument.index(after: equals)...])' is none of"
          + " \(TypeForArgument.types.map(\.name).joined(separator: ", "))"
      )
    }
    self.regex = regex
    self.type = type
  }
}
