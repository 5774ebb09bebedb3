internal import Checkpoint
internal import GGUF
internal import JSON
internal import Pack
internal import Safetensors
internal import Storage
internal import SystemPackage
internal import Tensors

/// What `inspect` says of a model.
struct InspectReport {
  private let checkpoint: Checkpoint
  private let summary: ModelSummary

  init(_ checkpoint: Checkpoint) {
    self.checkpoint = checkpoint
    summary = ModelSummary(checkpoint)
  }

  // MARK: - For people

  /// The model in a dozen lines.
  var card: String {
    var lines: [(String, String)] = [
      ("model", checkpoint.location.path.string), ("format", checkpoint.format.name),
      ("family", architecture ?? "unknown"),
    ]
    if let c = checkpoint.configuration {
      lines.append(("layers", "\(c.layerCount), \(c.moeLayers.count) with experts"))
      lines.append(("experts", "\(expertsText(c)) per layer, \(c.topK) used per token"))
      lines.append(
        (
          "widths",
          "hidden \(c.hiddenSize), expert \(c.expertWidth)"
            + (c.sharedExpertWidth.map { ", shared expert \($0)" } ?? "")
        )
      )
    }
    var parameters = SafeText.count(summary.totalParameters)
    if let active = summary.activeParameters, let experts = summary.expertParameters {
      parameters += " (\(SafeText.count(active)) active, \(SafeText.count(experts)) in experts)"
    }
    lines.append(("parameters", parameters))
    lines.append(
      (
        "tensors",
        "\(SafeText.grouped(checkpoint.fileTensors.count)), \(SafeText.bytes(summary.totalBytes))"
      )
    )
    for (role, bytes) in summary.bytesByRole where checkpoint.configuration != nil {
      let share = 100 * Double(bytes) / Double(max(summary.totalBytes, 1))
      lines.append(("  \(role)", "\(SafeText.bytes(bytes)), \(SafeText.fixed(share, 1)) %"))
    }
    lines.append(("files", "\(files.count), \(SafeText.bytes(files.reduce(0) { $0 + $1.bytes }))"))
    if let problem = checkpoint.problem { lines.append(("note", problem.description)) }
    let width = lines.map(\.0.count).max() ?? 0
    return lines.map { label, value in
      let padding = String(repeating: " ", count: width - label.count)
      return "\(label)\(padding)  \(SafeText.shown(value))"
    }.joined(separator: "\n")
  }

  func printTable(tensors indices: [Int]) {
    var table = TextTable(["name", "type", "shape", "bytes", "role"], leftAligned: [0, 1, 2, 4])
    for index in indices {
      let tensor = checkpoint.fileTensors[index]
      table.add([
        SafeText.shown(tensor.name), SafeText.shown(tensor.type.name),
        tensor.shape.map(String.init).joined(separator: " x "), SafeText.grouped(tensor.byteCount),
        checkpoint.filePlaces[index].role.label,
      ])
    }
    Console.print(table.text)
  }

  // MARK: - For scripts

  /// Writes tensor by tensor, so that the text of a large model never exists at once.
  func writeJSON(tensors indices: [Int]) {
    let head = headJSON
    var text = head.text(pretty: true)
    text.removeLast(2)
    Console.write(text + ",\n  \"tensors\": [", to: Console.output)
    let fileNames = self.fileNames
    for (position, index) in indices.enumerated() {
      let line = tensorJSON(index, fileNames).text(pretty: false)
      Console.write((position == 0 ? "\n    " : ",\n    ") + line, to: Console.output)
    }
    Console.print(indices.isEmpty ? "]\n}" : "\n  ]\n}")
  }

  private var headJSON: JSONValue {
    let c = checkpoint.configuration
    return [
      "format": .string(checkpoint.format.name), "architecture": JSONValue(architecture),
      "layers": integer(c?.layerCount),
      "moeLayers": c.map { JSONValue($0.moeLayers) } ?? .null,
      "expertsPerLayer": c.map { c in
        JSONValue(c.moeLayers.map { checkpoint.keptExperts[$0]?.count ?? c.expertCount })
      } ?? .null,
      "topK": integer(c?.topK),
      "parameters": [
        "total": JSONValue(summary.totalParameters), "active": integer(summary.activeParameters),
        "experts": integer(summary.expertParameters),
      ],
      "bytes": ["total": JSONValue(summary.totalBytes), "experts": integer(summary.expertBytes)],
      "files": .array(files.map { ["name": .string($0.name), "bytes": JSONValue($0.bytes)] }),
      "metadata": metadata,
    ]
  }

  private func tensorJSON(_ index: Int, _ fileNames: [String]) -> JSONValue {
    let (tensor, place) = (checkpoint.fileTensors[index], checkpoint.filePlaces[index])
    return [
      "name": .string(tensor.name), "type": .string(tensor.type.name),
      "shape": JSONValue(tensor.shape), "file": .string(fileNames[tensor.fileIndex]),
      "offset": JSONValue(tensor.fileRange.lowerBound), "bytes": JSONValue(tensor.byteCount),
      "storedBytes": JSONValue(tensor.fileRange.count), "role": .string(place.role.label),
      "layer": integer(place.layer), "expert": integer(place.expert),
    ]
  }

  // MARK: - Parts of both

  /// `general.architecture` of a GGUF file, else `model_type`.
  private var architecture: String? {
    if let contents = checkpoint.ggufContents {
      return contents.metadata["general.architecture"]?.string
    }
    return checkpoint.configurationJSON?["model_type"]?.string
  }

  private var fileNames: [String] {
    switch checkpoint.format {
    case .safetensors(let collection):
      collection.files.map { $0.path.lastComponent?.string ?? $0.path.string }
    case .gguf(let collection):
      collection.files.map { $0.path.lastComponent?.string ?? $0.path.string }
    case .pack(let pack): [pack.path.lastComponent?.string ?? pack.path.string]
    }
  }

  private var files: [(name: String, bytes: Int)] {
    switch checkpoint.format {
    case .safetensors(let collection):
      zip(fileNames, collection.files).map { (name: $0, bytes: $1.byteCount) }
    case .gguf(let collection):
      zip(fileNames, collection.files).map { (name: $0, bytes: $1.byteCount) }
    case .pack(let pack): [(name: fileNames[0], bytes: pack.byteCount)]
    }
  }

  private var metadata: JSONValue {
    var object = JSONObject()
    switch checkpoint.format {
    case .safetensors(let collection):
      for file in collection.files {
        for (key, value) in file.metadata { object[key] = .string(value) }
      }
    case .gguf(let collection):
      for (key, value) in collection.metadata { object[key] = value.json }
    case .pack(let pack):
      for (key, value) in pack.model.object?.members.map({ $0 }) ?? [] where key != "plan" {
        object[key] = value
      }
    }
    return .object(object)
  }

  private func expertsText(_ c: ModelConfiguration) -> String {
    let counts = c.moeLayers.map { checkpoint.keptExperts[$0]?.count ?? c.expertCount }
    let (least, most) = (counts.min() ?? c.expertCount, counts.max() ?? c.expertCount)
    let now = least == most ? "\(least)" : "\(least) to \(most)"
    return most == c.expertCount && least == most ? now : "\(now) (of \(c.expertCount))"
  }

  private func integer(_ value: Int?) -> JSONValue { value.map { JSONValue($0) } ?? .null }
}
