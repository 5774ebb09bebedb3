internal import ArgumentParser
internal import Checkpoint
internal import JSON
internal import Tensors

/// `moepack inspect`.
struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Show what a model holds without reading its weights.",
    discussion: """
      Prints the family, parameters, experts and sizes, and with any filter (or --tensors) the \
      tensors. Only headers are read, so the size of the model does not matter.
      """
  )

  @OptionGroup var input: ModelArgument
  @OptionGroup var common: CommonOptions

  @Flag(help: "List the tensors.")
  var tensors = false

  @Option(help: ArgumentHelp("Only tensors of this decoder layer.", valueName: "n"))
  var layer: Int?

  @Option(help: ArgumentHelp("Only tensors of this expert.", valueName: "n"))
  var expert: Int?

  @Option(
    help: ArgumentHelp(
      "Only tensors of this role, such as 'router', 'expert.down' or 'expert'.",
      valueName: "role"
    )
  )
  var role: String?

  @Option(help: ArgumentHelp("Only tensors whose name matches.", valueName: "regex"))
  var match: RegexArgument?

  func validate() throws {
    if let role, !TensorRole.allCases.contains(where: { InspectCommand.matches($0, role) }) {
      let known = Set(TensorRole.allCases.map(\.label)).sorted().joined(separator: ", ")
      throw ValidationError("--role '\(role)' is none of \(known)")
    }
    for (name, value) in [("--layer", layer), ("--expert", expert)] {
      if let value, value < 0 { throw ValidationError("\(name) takes a number from 0") }
    }
  }

  func run() throws {
    let checkpoint = try input.open()
    let indices = checkpoint.fileTensors.indices.filter { isWanted($0, in: checkpoint) }
    let report = InspectReport(checkpoint)
    if common.json {
      report.writeJSON(tensors: indices)
      return
    }
    let isFiltered = layer != nil || expert != nil || role != nil || match != nil
    if !isFiltered { Console.print(report.card) }
    if isFiltered || tensors {
      if !isFiltered { Console.print("") }
      report.printTable(tensors: indices)
    }
  }

  private func isWanted(_ index: Int, in checkpoint: Checkpoint) -> Bool {
    let place = checkpoint.filePlaces[index]
    if let layer, place.layer != layer { return false }
    if let expert, place.expert != expert { return false }
    if let role, !InspectCommand.matches(place.role, role) { return false }
    if let match, !match.matches(checkpoint.fileTensors[index].name) { return false }
    return true
  }

  /// A role by its whole name or by the word before its dot.
  private static func matches(_ role: TensorRole, _ wanted: String) -> Bool {
    role.label == wanted || role.label.hasPrefix(wanted + ".")
  }
}
