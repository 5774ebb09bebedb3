internal import Checkpoint
internal import Compression
internal import Evaluation
internal import JSON
internal import Storage
internal import Tensors

/// What compress, plan and their dry runs say at the end.
struct CompressionReport {
  /// Perplexity of source and result, and the text's name.
  var perplexity: (before: Double?, after: Double?, text: String)?

  private let plan: CompressionPlan
  private let checkpoint: Checkpoint
  private let stream: TokenStream?
  private let clock: StageClock
  private let estimate: Int?
  private let result: Compressor.Result?
  private let size: SizeEstimate

  init(
    _ plan: CompressionPlan,
    _ checkpoint: Checkpoint,
    _ stream: TokenStream?,
    clock: StageClock,
    estimate: Int?,
    isForecast: Bool = false,
    result: Compressor.Result? = nil
  ) throws {
    self.plan = plan
    self.checkpoint = checkpoint
    // A plan by counts without factors looks at no text, whichever was given.
    let isMeasured = plan.stream != nil || plan.layers.contains { !$0.ranksAreDense }
    self.stream = isMeasured ? stream : nil
    self.clock = clock
    self.estimate = estimate
    self.result = result
    size = try SizeEstimate(plan, for: checkpoint, isForecast: isForecast)
  }

  /// Prints it.
  func show(json wantsJSON: Bool) {
    wantsJSON ? Console.print(json) : Console.print(text)
  }

  // MARK: - Numbers

  private var outputBytes: Int { result?.outputBytes ?? size.output }
  private var outputExperts: Int { result?.outputExpertBytes ?? size.outputExperts }
  private var bitsPerExpertWeight: Double {
    8 * Double(outputExperts) / Double(max(size.sourceExpertWeights, 1))
  }

  /// Bits per weight of ggml's types (formats.md, 1.2), for "how would plain quantisation do?".
  private static let quantisations: [(name: String, bits: Double)] = [
    ("IQ1_S", 1.5625), ("IQ2_XXS", 2.0625), ("Q2_K", 2.625), ("Q3_K", 3.4375), ("Q4_K", 4.5),
    ("Q5_K", 5.5), ("Q6_K", 6.5625), ("Q8_0", 8.5), ("BF16", 16),
  ]

  /// The plain quantisation of about the same size.
  private var comparable: String {
    let bits = bitsPerExpertWeight
    let nearest = CompressionReport.quantisations.min { abs($0.bits - bits) < abs($1.bits - bits) }
    return nearest.map { "\($0.name) (\(SafeText.fixed($0.bits, 2)) bits)" } ?? "-"
  }

  private func factoring(_ layer: Int) -> [FactoringRecord] {
    result?.factoring[layer] ?? []
  }

  private func mean(_ values: [Double]) -> Double? {
    values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
  }

  // MARK: - For scripts

  /// The report as one object.
  var json: JSONValue {
    var object = JSONObject()
    object["bytes"] = [
      "source": JSONValue(size.source), "output": JSONValue(outputBytes),
      "sourceExperts": JSONValue(size.sourceExperts), "outputExperts": JSONValue(outputExperts),
    ]
    object["bitsPerExpertWeight"] = JSONValue(bitsPerExpertWeight)
    object["comparableQuantisation"] = .string(comparable)
    object["calibration"] = stream.map(calibrationJSON) ?? .null
    object["layers"] = .array(plan.layers.map(layerJSON))
    object["receptionField"] = .array(plan.receptionField.map(\.json))
    if let perplexity {
      object["perplexity"] = [
        "before": perplexity.before.map { JSONValue($0) } ?? .null,
        "after": perplexity.after.map { JSONValue($0) } ?? .null,
        "text": .string(perplexity.text),
      ]
    }
    if let estimate { object["estimatedPeakMemory"] = JSONValue(estimate) }
    object["peakMemory"] = JSONValue(ProcessMemory.peakResidentBytes)
    object["seconds"] = clock.json
    return .object(object)
  }

  private func calibrationJSON(_ stream: TokenStream) -> JSONValue {
    [
      "text": JSONValue(stream.text), "tokens": JSONValue(stream.ids.count),
      "context": JSONValue(stream.context),
      "shortfall": stream.shortfall.map { JSONValue($0) } ?? .null,
      "bos": stream.bos.map { JSONValue(Int($0)) } ?? .null,
      "eos": stream.eos.map { JSONValue(Int($0)) } ?? .null,
    ]
  }

  private func layerJSON(_ layer: CompressionPlan.Layer) -> JSONValue {
    guard case .object(var object) = layer.json, result != nil else { return layer.json }
    object["factoring"] = .array(factoring(layer.layer).map(\.json))
    return .object(object)
  }

  // MARK: - For people

  private var facts: [(String, String)] {
    let share = 100 * Double(outputBytes) / Double(max(size.source, 1))
    let bound = result == nil ? ", before lossless coding" : ""
    var facts = [
      ("model", "\(SafeText.bytes(size.source)) in tensors"),
      ("result", "\(SafeText.bytes(outputBytes)), \(SafeText.fixed(share, 1)) %\(bound)"),
      (
        "experts",
        "\(SafeText.bytes(size.sourceExperts)) to \(SafeText.bytes(outputExperts)):"
          + " \(SafeText.fixed(bitsPerExpertWeight, 2)) bits per original expert weight"
      ),
      ("plain quantisation of about that size", comparable),
      ("calibration", calibration),
    ]
    if let fallback = fallbackNote { facts.append(("note", fallback)) }
    if let perplexity, let before = perplexity.before, let after = perplexity.after {
      facts.append(
        (
          "perplexity",
          "\(SafeText.fixed(before, 3)) before, \(SafeText.fixed(after, 3)) after"
            + " (\(perplexity.text))"
        )
      )
    }
    if let estimate { facts.append(("estimated peak memory", SafeText.bytes(estimate))) }
    if estimate == nil {
      facts.append(("peak memory", SafeText.bytes(ProcessMemory.peakResidentBytes)))
      let stages = clock.seconds.map { "\($0.stage) \(SafeText.duration($0.seconds))" }
      if !stages.isEmpty { facts.append(("time", stages.joined(separator: ", "))) }
    }
    return facts
  }

  private var calibration: String {
    guard let stream else { return "none: experts were chosen by counts of an importance matrix" }
    return
      "\(SafeText.grouped(stream.ids.count)) tokens of \(stream.text ?? "token ids") in windows of"
      + " \(stream.context)\(framing(stream))\(shortness(stream))"
  }

  /// What documents start and end with.
  private func framing(_ stream: TokenStream) -> String {
    let tokens = [("bos", stream.bos), ("eos", stream.eos)].compactMap { name, id in
      id.map { "\(name) \($0)" }
    }
    return tokens.isEmpty ? "" : ", " + tokens.joined(separator: ", ")
  }

  /// Says so where the text had fewer tokens than were asked for.
  private func shortness(_ stream: TokenStream) -> String {
    stream.shortfall.map { " (the whole text: it has \($0) tokens)" } ?? ""
  }

  /// Matrices whose factors could not have the type that was asked for.
  private var fallbackNote: String? {
    let odd = plan.layers.flatMap { layer -> [FactoringRecord] in
      let wanted = Dictionary(uniqueKeysWithValues: zip(layer.kept, layer.types))
      return factoring(layer.layer).filter { $0.type != wanted[$0.expert] }
    }
    guard let first = odd.first else { return nil }
    return
      "\(odd.count) matrices have factors in \(first.type): their sides do not fill the blocks of"
      + " the type asked for"
  }

  private var table: TextTable {
    var table = TextTable([
      "layer", "experts", "pruning error", "average rank", "weight error", "output error",
    ])
    for layer in plan.layers {
      let records = factoring(layer.layer)
      let ranks = layer.ranks.flatMap { $0 }.compactMap { $0 }.map(Double.init)
      func number(_ value: Double?, _ digits: Int) -> String {
        value.map { SafeText.fixed($0, digits) } ?? "-"
      }
      table.add([
        "\(layer.layer)", "\(layer.kept.count) of \(layer.experts)",
        layer.leaveOneOut.isEmpty ? "-" : SafeText.fixed(layer.pruningError, 4),
        number(mean(ranks), 1),
        number(mean(records.map(\.weightError)), 4),
        number(mean(records.compactMap(\.outputError)), 4),
      ])
    }
    return table
  }

  /// The report as text.
  var text: String {
    let width = facts.map(\.0.count).max() ?? 0
    let lines = facts.map { label, value in
      label + String(repeating: " ", count: width - label.count) + "  " + SafeText.shown(value)
    }
    return table.text + "\n\n" + lines.joined(separator: "\n")
  }

  /// The report in Markdown.
  var markdown: String {
    let list = facts.map { "- \($0.0): \(SafeText.shown($0.1))" }.joined(separator: "\n")
    return "# Compression report\n\n\(list)\n\n\(table.markdown)\n"
  }

  /// The report as a page.
  var html: String {
    func escaped(_ text: String) -> String {
      SafeText.shown(text).map { character -> String in
        switch character {
        case "&": "&amp;"
        case "<": "&lt;"
        case ">": "&gt;"
        case "\"": "&quot;"
        default: String(character)
        }
      }.joined()
    }
    let list = facts.map { "<dt>\(escaped($0.0))</dt><dd>\(escaped($0.1))</dd>" }.joined()
    let cells = table.cells.enumerated().map { number, row in
      let tag = number == 0 ? "th" : "td"
      return "<tr>" + row.map { "<\(tag)>\(escaped($0))</\(tag)>" }.joined() + "</tr>"
    }.joined(separator: "\n")
    return """
      <!DOCTYPE html>
      <html lang="en"><head><meta charset="utf-8"><title>Compression report</title>
      <style>body{font:16px sans-serif;margin:2em;max-width:60em}dt{font-weight:bold}\
      td,th{padding:.2em .8em;text-align:right}td:first-child{text-align:left}</style></head>
      <body><h1>Compression report</h1><dl>\(list)</dl>
      <table>\(cells)</table></body></html>

      """
  }
}
