import Fixtures
import JSON
import Testing

/// What we write, opened by stock llama.cpp.
@Suite struct LlamaCppTests {
  let scratch: ScratchFolder

  init() throws { scratch = try ScratchFolder() }

  /// llama.cpp's perplexity; nil where it is not installed.
  private func llama(_ model: String, _ ids: String) throws -> Double? {
    guard LlamaReference.isThere else { return nil }
    // Not as an optional: a refusal must fail.
    let perplexity: Double = try #require(
      try LlamaReference.perplexity(model, ids: ids, context: 512),
      "llama.cpp refused \(model)"
    )
    return perplexity
  }

  private func ids(of model: String) throws -> String {
    let stream = try Moepack.json("tokenize", model, "--text", Sample.heldout, "--stream")
    let ids = Array(try #require(stream["ids"]?.array).prefix(4 * 512))
    return try scratch.write("ids.json", JSONValue.array(ids).text(pretty: false))
  }

  private func expectSamePerplexity(_ file: String, _ ids: String, within tolerance: Double) throws
  {
    guard let theirs = try llama(file, ids) else { return }
    let tensors = try #require(try Moepack.json("inspect", file)["tensors"]?.array?.count)
    if let opens = try LlamaReference.opens(file, tensors: tensors) {
      #expect(opens, "the gguf package does not open \(file)")
    } else {
      print("SKIPPED: no gguf package beside llama.cpp")
    }
    let ours = try #require(
      try Moepack.json("evaluate", file, "--ids", ids)["perplexity"]?.double
    )
    #expect(abs(ours / theirs - 1) < tolerance, "ours \(ours), llama.cpp's \(theirs)")
  }

  @Test(
    "a converted model has the perplexity there that it has here",
    arguments: ["F32", "F16", "BF16", "Q8_0", "Q4_0", "Q5_1", "Q4_K_M", "IQ4_NL", "MXFP4_MOE"]
  )
  func converted(type: String) throws {
    for model in [Sample.micro, Sample.mixtral] {
      try Moepack.succeed(
        "convert",
        model,
        "-o",
        scratch("x.gguf"),
        "--type",
        type,
        "--force"
      )
      try expectSamePerplexity(
        scratch("x.gguf"),
        try ids(of: model),
        within: type == "F32" ? 1e-5 : 0.01
      )
    }
  }

  private static let kTypes = ["Q2_K", "Q3_K_M", "Q5_K_M", "Q6_K", "IQ4_XS", "TQ1_0", "TQ2_0"]

  @Test("so has a model whose rows take k-quants", arguments: kTypes)
  func kQuants(type: String) throws {
    guard let model = Fixtures.find("models/small-mixtral") else {
      print("SKIPPED: no models/small-mixtral in ../shared")
      return
    }
    try Moepack.succeed("convert", model, "-o", scratch("x.gguf"), "--type", type)
    try expectSamePerplexity(scratch("x.gguf"), try ids(of: model), within: 0.01)
  }

  @Test("so has a compressed model, factors multiplied back", arguments: ["F32", "Q8_0"])
  func compressed(type: String) throws {
    try Moepack.succeed(
      ["compress", Sample.micro, "-o", scratch("c.moepack"), "--uniform", "--calibration"]
        + [Sample.calibration] + Sample.short
    )
    try Moepack.succeed(
      "convert",
      scratch("c.moepack"),
      "-o",
      scratch("x.gguf"),
      "--type",
      type
    )
    let ids = try ids(of: Sample.micro)
    guard let theirs = try llama(scratch("x.gguf"), ids) else { return }
    let reported = try #require(
      try Moepack.json("evaluate", scratch("c.moepack"), "--ids", ids)["perplexity"]?.double
    )
    #expect(
      abs(reported / theirs - 1) < (type == "F32" ? 1e-4 : 0.01),
      "reported \(reported), llama.cpp's \(theirs)"
    )
  }

  @Test("so have GGUF files made of GGUF files: quantised again, without a tokenizer, pruned")
  func revised() throws {
    let ids = try ids(of: Sample.micro)
    try Moepack.succeed("convert", Sample.micro, "-o", scratch("f16.gguf"), "--type", "F16")
    for (name, options) in [
      ("a", ["--type", "Q5_0"]), ("b", ["--no-tokenizer"]),
    ] {
      let file = scratch("\(name).gguf")
      try Moepack.succeed(["convert", scratch("f16.gguf"), "-o", file] + options)
      try expectSamePerplexity(file, ids, within: 0.01)
    }
    try Moepack.succeed("convert", Sample.micro, "-o", scratch("c.gguf"), "--no-tokenizer")
    try expectSamePerplexity(scratch("c.gguf"), ids, within: 0.01)
    try Moepack.succeed(
      ["plan", scratch("a.gguf"), "-o", scratch("p.json"), "--uniform", "--rank-keep", "dense"]
        + Sample.short
    )
    try Moepack.succeed(
      "convert",
      scratch("a.gguf"),
      "-o",
      scratch("d.gguf"),
      "--plan",
      scratch("p.json")
    )
    try expectSamePerplexity(scratch("d.gguf"), ids, within: 0.01)
  }

  @Test("so has a model in splits")
  func splits() throws {
    let ids = try ids(of: Sample.micro)
    try Moepack.succeed(
      "convert",
      Sample.micro,
      "-o",
      scratch("x.gguf"),
      "--split-max-tensors",
      "30"
    )
    guard let theirs = try llama(scratch("x-00001-of-00003.gguf"), ids) else { return }
    let ours = try #require(
      try Moepack.json("evaluate", scratch("x-00003-of-00003.gguf"), "--ids", ids)["perplexity"]?
        .double
    )
    #expect(abs(ours / theirs - 1) < 0.01, "ours \(ours), llama.cpp's \(theirs)")
  }
}
