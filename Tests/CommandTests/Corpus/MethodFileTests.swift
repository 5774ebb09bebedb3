import Glibc
import JSON
import SystemPackage
import Tensors
import TestSupport
import Testing

/// Statistics and plans that break one rule each, made from sound ones.
@Suite struct MethodFileTests {
  /// A file of the method, what must be said of it, and how it is spoilt.
  struct Spoilt<Content: Sendable>: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let words: [String]
    let change: @Sendable (inout Content) throws -> Void

    init(
      _ name: String,
      saying words: String...,
      change: @escaping @Sendable (inout Content) throws -> Void
    ) {
      self.init(name, words, change)
    }

    init(
      _ name: String,
      _ words: [String],
      _ change: @escaping @Sendable (inout Content) throws -> Void
    ) {
      testDescription = name
      self.words = words
      self.change = change
    }
  }

  /// A statistics file taken apart.
  struct Statistics: Sendable {
    var metadata: JSONObject
    var tensors: [RawTensor]

    init(_ bytes: [UInt8]) throws {
      let count = Int(bytes.integer(UInt64.self, at: 0))
      let header = try JSONValue(parsing: Array(bytes[8..<8 + count]))
      metadata = try #require(header["__metadata__"]?.object)
      tensors = try #require(header.object).members.filter { $0.0 != "__metadata__" }.map {
        name,
        entry in
        let range = entry["data_offsets"]?.integers ?? [0, 0]
        return RawTensor(
          name,
          ElementType(name: entry["dtype"]?.string ?? ""),
          entry["shape"]?.integers ?? [],
          Array(bytes[8 + count + range[0]..<8 + count + range[1]])
        )
      }
    }

    var bytes: [UInt8] {
      RawSafetensors.file(tensors, metadata: JSONValue.object(metadata).text(pretty: false))
    }

    /// Changes the tensor called `name`.
    mutating func alter(_ name: String, _ change: (inout RawTensor) -> Void) throws {
      let index = try #require(tensors.firstIndex { $0.name == name })
      change(&tensors[index])
    }
  }

  private let place: Workplace

  /// A model of two layers with eight experts, its statistics (with fewer candidates than experts)
  /// and its plan.
  init() throws {
    place = try Workplace()
    try place.write(.mixtral(experts: 8))
    var run = try Moepack.run(
      ["calibrate", place("model"), "-o", place("s.safetensors")] + place.ids
    )
    try #require(run.status == 0, "\(run.complaint)")
    run = try Moepack.run(plan("p.json"))
    try #require(run.status == 0, "\(run.complaint)")
  }

  private func plan(_ output: String) -> [String] {
    ["plan", place("model"), "--statistics", place("s.safetensors"), "-o", place(output)]
      + place.ids
  }

  private func expectRefused(_ words: [String], _ line: [String]) throws {
    let before = try place.folder.files()
    try Moepack.fail(1, saying: words, line)
    #expect(try place.folder.files() == before)
  }

  // MARK: - Statistics

  static let statistics: [Spoilt<Statistics>] = [
    Spoilt("another format", saying: "format") { $0.metadata["format"] = "pt" },
    Spoilt("no format", saying: "format") { $0.metadata["format"] = nil },
    Spoilt("another version", saying: "version") { $0.metadata["version"] = "2" },
    Spoilt("another model", saying: "model") { $0.metadata["model"] = "0-0" },
    Spoilt("no model", saying: "model") { $0.metadata["model"] = nil },
    Spoilt("another stream", saying: "stream") { $0.metadata["stream"] = "00" },
    Spoilt("a layer missing", saying: "layers.1.count") { statistics in
      statistics.tensors.removeAll { $0.name.hasPrefix("layers.1.") }
    },
    Spoilt("sums of another type", saying: "layers.0.count", "F64") {
      try $0.alter("layers.0.count") { $0.type = .i64 }
    },
    Spoilt("sums of another number of experts", saying: "layers.0.norm_sum", "[8]") {
      try $0.alter("layers.0.norm_sum") { tensor in
        tensor.shape = [7]
        tensor.bytes.removeLast(8)
      }
    },
    Spoilt("a negative count", saying: "layers.1.count") {
      try $0.alter("layers.1.count") { $0.bytes.put((-1.0).bitPattern, at: 8) }
    },
    Spoilt("a sum that is NaN", saying: "layers.0.leave_one_out") {
      try $0.alter("layers.0.leave_one_out") { $0.bytes.put(Double.nan.bitPattern, at: 0) }
    },
    Spoilt("a sum that is infinite", saying: "layers.0.gate_norm_sum") {
      try $0.alter("layers.0.gate_norm_sum") { $0.bytes.put(Double.infinity.bitPattern, at: 0) }
    },
    Spoilt("logits that are NaN", saying: "layers.0.sample.logits", "finite") {
      try $0.alter("layers.0.sample.logits") { $0.bytes.put(Float.nan.bitPattern, at: 4) }
    },
    Spoilt("logits of another shape", saying: "layers.0.sample.logits") {
      try $0.alter("layers.0.sample.logits") { $0.shape = [$0.shape[1], $0.shape[0]] }
    },
    Spoilt("inner products that are infinite", saying: "layers.1.sample.gram", "finite") {
      try $0.alter("layers.1.sample.gram") { $0.bytes.put(Float.infinity.bitPattern, at: 0) }
    },
    Spoilt("a triangle of no size", saying: "layer 0", "shape") {
      try $0.alter("layers.0.sample.gram") { tensor in
        tensor.shape[1] -= 1
        tensor.bytes.removeLast(4 * tensor.shape[0])
      }
    },
    Spoilt("a candidate that is no expert", saying: "layer 0", "candidates") {
      try $0.alter("layers.0.sample.candidates") { $0.bytes.put(Int32(8), at: 0) }
    },
    Spoilt("a candidate below zero", saying: "layer 1", "candidates") {
      try $0.alter("layers.1.sample.candidates") { $0.bytes.put(Int32(-1), at: 4) }
    },
    Spoilt("a candidate twice", saying: "layer 0", "candidates") {
      try $0.alter("layers.0.sample.candidates") { $0.bytes.put(Array($0.bytes[4..<8]), at: 0) }
    },
    Spoilt("no candidates", saying: "layers.0.sample.candidates") { statistics in
      statistics.tensors.removeAll { $0.name == "layers.0.sample.candidates" }
    },
  ]

  @Test("statistics that break a rule are refused by name", arguments: statistics)
  func spoiltStatistics(case spoilt: Spoilt<Statistics>) throws {
    var statistics = try Statistics(try place.folder.bytes(of: "s.safetensors"))
    try spoilt.change(&statistics)
    try place.folder.write(statistics.bytes, to: "s.safetensors")
    try expectRefused(spoilt.words + ["s.safetensors"], plan("q.json"))
  }

  @Test("statistics taken apart and put together are accepted, cut short they are not")
  func cutStatistics() throws {
    let bytes = try Statistics(try place.folder.bytes(of: "s.safetensors")).bytes
    try place.folder.write(bytes, to: "s.safetensors")
    #expect(try Moepack.run(plan("q.json")).status == 0)
    #expect(try place.folder.bytes(of: "q.json") == place.folder.bytes(of: "p.json"))
    for count in [0, 4, 100, bytes.count - 1] {
      try place.folder.write(Array(bytes[..<count]), to: "s.safetensors")
      try expectRefused(["s.safetensors"], plan("r.json"))
    }
  }

  // MARK: - Plans

  /// Changes the first layer of a plan.
  private static func layer(
    _ name: String,
    saying words: String...,
    change: @escaping @Sendable (inout JSONObject) -> Void
  ) -> Spoilt<JSONObject> {
    Spoilt(name, words) { plan in
      var layers = try #require(plan["layers"]?.array)
      var layer = try #require(layers[0].object)
      change(&layer)
      layers[0] = .object(layer)
      plan["layers"] = .array(layers)
    }
  }

  private static func rank(_ name: String, _ value: JSONValue) -> Spoilt<JSONObject> {
    layer(name, saying: "layers[0].ranks[0].gate") { layer in
      var ranks = layer["ranks"]?.array ?? []
      guard case .object(var first)? = ranks.first else { return }
      first["gate"] = value
      ranks[0] = .object(first)
      layer["ranks"] = .array(ranks)
    }
  }

  static let plans: [Spoilt<JSONObject>] = [
    Spoilt("no version", saying: "version") { $0["version"] = nil },
    Spoilt("a later version", saying: "version") { $0["version"] = 2 },
    Spoilt("no model", saying: "model") { $0["model"] = nil },
    Spoilt("another model", saying: "model") { $0["model"] = "0123456789abcdef-0123456789abcdef" },
    Spoilt("no stream", saying: "stream") { $0["stream"] = nil },
    Spoilt("another stream", saying: "stream", "--calibration") {
      $0["stream"] = ["sha256": "00", "tokens": 128, "context": 8]
    },
    Spoilt("a stream of no tokens", saying: "stream.tokens") {
      $0["stream"] = ["sha256": "00", "tokens": 0, "context": 8]
    },
    Spoilt("no options", saying: "options.factor") { $0["options"] = nil },
    Spoilt("no layers", saying: "layers") { $0["layers"] = nil },
    Spoilt("layers that are no list", saying: "layers") { $0["layers"] = ["0": 1] },
    Spoilt("a layer too few", saying: "layers") { plan in
      plan["layers"] = .array(Array((plan["layers"]?.array ?? []).dropLast()))
    },
    Spoilt("a layer twice", saying: "layers") { plan in
      let layers = plan["layers"]?.array ?? []
      plan["layers"] = .array([layers[0], layers[0]])
    },
    layer("a layer past the last", saying: "layers[0].layer") { $0["layer"] = 2 },
    layer("a layer below zero", saying: "layers[0].layer") { $0["layer"] = -1 },
    layer("kept experts not ascending", saying: "layers[0].kept", "ascending") {
      $0["kept"] = .array(($0["kept"]?.array ?? []).reversed())
    },
    layer("a kept expert twice", saying: "layers[0].kept", "twice") {
      $0["kept"] = [0, 0, 1, 2, 3, 4]
    },
    layer("a kept expert that is none", saying: "layers[0].kept", "7") { $0["kept"] = [0, 1, 8] },
    layer("a kept expert below zero", saying: "layers[0].kept") { $0["kept"] = [-1, 0, 1] },
    layer("a kept expert with a fraction", saying: "layers[0].kept") {
      $0["kept"] = [0, .number("1.5")]
    },
    layer("fewer kept experts than top-k", saying: "layers[0].kept", "top-k") { $0["kept"] = [3] },
    layer("kept experts without ranks", saying: "layers[0].ranks") { $0["ranks"] = [] },
    layer("ranks of other experts", saying: "layers[0].ranks") {
      $0["ranks"] = .array(($0["ranks"]?.array ?? []).reversed())
    },
    rank("a rank of zero", 0), rank("a negative rank", -3), rank("a rank at break-even", 4),
    rank("a rank past 2^63", .number("9223372036854775808")),
    rank("a rank with a fraction", .number("1.5")),
    rank("a rank that is a word", "full"),
    layer("a type too few", saying: "layers[0].types") {
      $0["types"] = .array(Array(($0["types"]?.array ?? []).dropLast()))
    },
    layer("an unknown type", saying: "layers[0].types", "Q1_0") {
      $0["types"] = .array(($0["types"]?.array ?? []).map { _ in "Q1_0" })
    },
  ]

  private func compress(_ plan: String) -> [String] {
    ["compress", place("model"), "--plan", place(plan), "-o", place("x.moepack")] + place.ids
  }

  @Test("plans that break a rule are refused by name", arguments: plans)
  func spoiltPlan(case spoilt: Spoilt<JSONObject>) throws {
    var plan = try #require(try JSONValue(parsing: try place.folder.bytes(of: "p.json")).object)
    try spoilt.change(&plan)
    try place.folder.write(JSONValue.object(plan).text(pretty: true), to: "p.json")
    try expectRefused(spoilt.words + ["p.json"], compress("p.json"))
  }

  @Test("a plan that is no JSON is refused with its place, the sound one is carried out")
  func cutPlan() throws {
    let text = String(decoding: try place.folder.bytes(of: "p.json"), as: UTF8.self)
    for bad in [
      "", "[]", String(text.prefix(200)), text + "x", String(repeating: "[", count: 9999),
    ] {
      try place.folder.write(bad, to: "p.json")
      try expectRefused(["p.json"], compress("p.json"))
    }
    try place.folder.write(text, to: "p.json")
    let run = try Moepack.run(compress("p.json"))
    #expect(run.status == 0, "\(run.complaint)")
  }
}
