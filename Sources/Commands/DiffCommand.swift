internal import ArgumentParser
internal import Checkpoint
internal import Conversion

/// `moepack diff`.
struct DiffCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "diff",
    abstract: "Compare the weights of two models, whatever their formats.",
    discussion: """
      Lists for every tensor the relative error, the Frobenius norm of A - B over that of A, and the \
      largest absolute difference, worst first. Models of one family are compared under the names of Hugging Face, \
      expert by expert with the numbers of the original model: rows of a fused tensor, the experts \
      of a GGUF file, and factors multiplied back. Experts that one model has lost are in the other \
      only, and of the router the rows of the experts that both have are compared. Other models are \
      compared by the names in their files. Tensors that are no numbers here are compared by their \
      bytes. Exits with 0 however much the models differ, and with 1 if one cannot be read.
      """
  )

  @Argument(
    help: ArgumentHelp(
      "The model to which errors are relative: a checkpoint folder, a .safetensors, .gguf or"
        + " .moepack file.",
      valueName: "a"
    ),
    completion: .file(extensions: ["safetensors", "gguf", "moepack"])
  )
  var first: String

  @Argument(
    help: ArgumentHelp("The model to compare it with.", valueName: "b"),
    completion: .file(extensions: ["safetensors", "gguf", "moepack"])
  )
  var second: String

  @OptionGroup var common: CommonOptions

  @Option(help: ArgumentHelp("Only tensors whose name matches.", valueName: "regex"))
  var match: RegexArgument?

  @Option(
    help: ArgumentHelp(
      "Lines of each list of the text, 0 for all (default: 20).",
      valueName: "n"
    )
  )
  var limit: Int?

  func validate() throws {
    if let limit, limit < 0 { throw ValidationError("--limit takes a number from 0, not \(limit)") }
    if limit != nil, common.json {
      throw ValidationError("--limit applies to text; --json lists every tensor")
    }
  }

  func run() throws {
    let (a, b) = (try Checkpoint(first), try Checkpoint(second))
    for warning in a.warnings + b.warnings { Console.warn(warning) }
    if let x = a.configuration, let y = b.configuration, x.modelType == y.modelType,
      x.expertCount != y.expertCount
    {
      let pruned = x.expertCount < y.expertCount ? first : second
      Console.warn(
        "\(SafeText.shown(pruned)): does not say which \(min(x.expertCount, y.expertCount)) of the"
          + " other's \(max(x.expertCount, y.expertCount)) experts it kept, so experts are compared by"
          + " their places; compare the .moepack it was made of"
      )
    }
    let comparison = try ModelComparison(a, b, threads: common.threads) { name in
      match?.matches(name) ?? true
    }
    let line = ProgressLine("diff", total: comparison.byteCount, unit: .bytes)
    let difference = try comparison.run { line.advance($0) }
    line.finish()
    let report = DifferenceReport(difference)
    if common.json {
      Console.print(report.json)
    } else {
      Console.print(report.text(limit: limit == 0 ? .max : limit ?? 20))
    }
  }
}
