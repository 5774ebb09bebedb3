internal import JSON

/// Reads keys of `config.json` and refuses by name what makes no sense.
struct ConfigurationReader {
  let json: JSONValue
  let file: String

  /// Experts of all layers together; the largest models known have some 30,000.
  private static let expertLimit = 1 << 20

  /// The first of `keys` that is there and not null, as a whole number in `range`.
  func count(_ keys: String..., default fallback: Int? = nil, in range: ClosedRange<Int>) throws
    -> Int
  {
    for key in keys {
      guard let value = json[key], !value.isNull else { continue }
      guard let number = value.integer, range.contains(number) else {
        throw error(
          key,
          "is \(value.text(pretty: false))",
          "expected a whole number from \(range.lowerBound) to \(range.upperBound)"
        )
      }
      return number
    }
    guard let fallback else { throw missing(keys[0]) }
    return fallback
  }

  /// A number above zero.
  func positive(_ key: String, default fallback: Double) throws -> Double {
    try positive(json[key], key, default: fallback)
  }

  /// A number above zero found elsewhere, called `key` in errors.
  func positive(_ value: JSONValue?, _ key: String, default fallback: Double) throws -> Double {
    guard let value, !value.isNull else { return fallback }
    guard let number = value.double, number > 0, number.isFinite else {
      throw error(key, "is \(value.text(pretty: false))", "expected a number above zero")
    }
    return number
  }

  /// A truth value.
  func flag(_ key: String, default fallback: Bool) throws -> Bool {
    guard let value = json[key], !value.isNull else { return fallback }
    guard let flag = value.bool else {
      throw error(key, "is \(value.text(pretty: false))", "expected true or false")
    }
    return flag
  }

  /// Refuses any activation but SiLU.
  func requireSiLU() throws {
    guard let value = json["hidden_act"], !value.isNull else { return }
    guard value.string == "silu" || value.string == "swish" else {
      throw error("hidden_act", "is \(value.text(pretty: false))", "this family is run with 'silu'")
    }
  }

  /// Rotary settings from `rope_parameters` (transformers 5) or `rope_theta` and `rope_scaling`.
  func rotary(defaultTheta: Double) throws -> RotaryConfiguration {
    let new = present("rope_parameters")
    let scaling = new ?? present("rope_scaling")
    let key = new == nil ? "rope_scaling" : "rope_parameters"
    if let scaling, scaling.object == nil {
      throw error(key, "is \(scaling.text(pretty: false))", "expected an object")
    }
    let thetaValue = new?["rope_theta"] ?? json["rope_theta"]
    let theta = try positive(thetaValue, "rope_theta", default: defaultTheta)
    let kind = scaling?["rope_type"] ?? scaling?["type"]
    switch kind?.string ?? "default" {
    case "default":
      if let kind, kind.string == nil, !kind.isNull {
        throw error("\(key).rope_type", "is \(kind.text(pretty: false))", "expected a string")
      }
      return RotaryConfiguration(theta: theta, factor: 1)
    case "linear":
      guard let factor = scaling?["factor"] else { throw missing("\(key).factor") }
      return RotaryConfiguration(
        theta: theta,
        factor: try positive(factor, "\(key).factor", default: 1)
      )
    case let other:
      throw error("\(key).rope_type", "is '\(other)'", "'default' and 'linear' are understood")
    }
  }

  /// Heads that divide as they must.
  func heads(hiddenSize: Int) throws -> (heads: Int, keyValueHeads: Int, dimension: Int) {
    let heads = try count("num_attention_heads", in: 1...4096)
    let keyValueHeads = try count("num_key_value_heads", default: heads, in: 1...4096)
    guard heads % keyValueHeads == 0 else {
      throw error(
        "num_key_value_heads",
        "is \(keyValueHeads)",
        "it must divide num_attention_heads, \(heads)"
      )
    }
    if json["head_dim"]?.isNull ?? true, hiddenSize % heads != 0 {
      throw error(
        "num_attention_heads",
        "is \(heads)",
        "it must divide hidden_size, \(hiddenSize)"
      )
    }
    let dimension = try count("head_dim", default: hiddenSize / heads, in: 1...4096)
    guard dimension % 2 == 0 else {
      throw error("head_dim", "is \(dimension)", "rotary embedding needs an even number")
    }
    return (heads, keyValueHeads, dimension)
  }

  /// Experts and top-k that go together.
  func experts(_ keys: String..., topK topKKey: String, layers: Int) throws -> (
    count: Int, topK: Int, key: String
  ) {
    let key = keys.first { json[$0].map { !$0.isNull } ?? false } ?? keys[0]
    let experts = try count(key, in: 1...65536)
    let topK = try count(topKKey, in: 1...65536)
    guard topK <= experts else {
      throw error(topKKey, "is \(topK)", "it cannot exceed \(key), \(experts)")
    }
    // Tables have a row per expert, so that a few digits must not fill the memory.
    guard experts * layers <= ConfigurationReader.expertLimit else {
      throw error(
        key,
        "is \(experts)",
        "\(layers) layers of so many are more than \(ConfigurationReader.expertLimit) experts"
      )
    }
    return (experts, topK, key)
  }

  /// A list of layer indices.
  func layers(_ key: String) throws -> [Int] {
    guard let value = json[key], !value.isNull else { return [] }
    guard let list = value.array?.map(\.integer), list.allSatisfy({ $0.map { $0 >= 0 } ?? false })
    else {
      throw error(key, "is \(value.text(pretty: false))", "expected a list of layer indices")
    }
    return list.compactMap { $0 }
  }

  /// The value of `key`, nil if it is not there or `null`.
  private func present(_ key: String) -> JSONValue? {
    guard let value = json[key], !value.isNull else { return nil }
    return value
  }

  func error(_ key: String, _ got: String, _ expected: String) -> CheckpointError {
    .configuration(file: file, key: key, got: got, expected: expected)
  }

  private func missing(_ key: String) -> CheckpointError {
    error(key, "is missing", "this family needs it; is the file from the same checkpoint?")
  }
}
