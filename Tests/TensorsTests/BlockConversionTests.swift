import TestSupport
import Testing

@testable import Tensors

/// Block types and the 16-bit floats against ggml's own encoders and the `gguf` package's decoders.
@Suite("Reference blocks")
struct BlockConversionTests {
  /// Types whose encoder the `gguf` package defines, too.
  static let exact = [
    "BF16", "F16", "MXFP4", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "TQ1_0", "TQ2_0",
  ]
  static let searched = ["Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ4_NL", "IQ4_XS"]
  /// Types with another encoding where columns differ in weight.
  static let weighted = ["Q4_0", "Q4_1", "Q5_0", "Q5_1"] + searched
  static let readOnly = [
    "IQ1_S", "IQ1_M", "IQ2_XXS", "IQ2_XS", "IQ2_S", "IQ3_XXS", "IQ3_S", "NVFP4",
  ]

  @Test("every block type of ggml that is read has a reference")
  func complete() {
    let blocks = ElementType.known.filter { $0.isComputable && $0.blockElements > 1 }.map(\.name)
    let all = BlockConversionTests.exact + BlockConversionTests.searched
    #expect(Set(blocks) == Set(all + BlockConversionTests.readOnly).subtracting(["BF16", "F16"]))
    for name in all { #expect(ElementType(name: name).isEncodable, "\(name)") }
    for name in BlockConversionTests.readOnly { #expect(!ElementType(name: name).isEncodable) }
  }

  @Test(
    "decoding gives the reference's values bit for bit",
    arguments: BlockOracle.all,
    exact + searched + readOnly
  )
  func decoding(oracle: BlockOracle, name: String) throws {
    for variant in [name, "\(name).weighted"] where oracle.has("\(variant).values") {
      let expected = try oracle.floats("\(variant).values")
      let bytes = try oracle.bytes("\(variant).raw")
      let own = try widened(bytes, ElementType(name: name), count: expected.count)
      #expect(own.map(\.bitPattern) == expected.map(\.bitPattern), "\(variant)")
    }
  }

  @Test(
    "encoding gives the bytes that ggml and the gguf package give",
    arguments: BlockOracle.all,
    exact
  )
  func encoding(oracle: BlockOracle, name: String) throws {
    let own = try narrowed(oracle.floats("source"), ElementType(name: name))
    #expect(firstDifference(own, try oracle.bytes("\(name).raw")) == nil)
  }

  @Test(
    "the squared error of a searched encoding is at most 1.001 times ggml's",
    arguments: BlockOracle.all,
    searched
  )
  func error(oracle: BlockOracle, name: String) throws {
    let type = ElementType(name: name)
    let source = try oracle.floats("source")
    let weights = [Float](repeating: 1, count: 512)
    let own = try squaredError(narrowed(source, type), type, source, weights)
    let reference = try squaredError(oracle.bytes("\(name).raw"), type, source, weights)
    #expect(own <= 1.001 * reference, "\(own / reference)")
  }

  @Test(
    "the weighted squared error is at most 1.001 times ggml's with the same weights",
    arguments: BlockOracle.all,
    weighted
  )
  func weightedError(oracle: BlockOracle, name: String) throws {
    let type = ElementType(name: name)
    let (source, weights) = try (oracle.floats("source"), oracle.floats("importance"))
    let own = try squaredError(
      narrowed(source, type, importance: weights),
      type,
      source,
      weights
    )
    let reference = try squaredError(
      oracle.bytes("\(name).weighted.raw"),
      type,
      source,
      weights
    )
    #expect(own <= 1.001 * reference, "\(own / reference)")
    #expect(try own < squaredError(narrowed(source, type), type, source, weights))
  }

  private func squaredError(
    _ bytes: [UInt8],
    _ type: ElementType,
    _ source: [Float],
    _ weights: [Float]
  ) throws -> Double {
    let values = try widened(bytes, type, count: source.count)
    return source.indices.reduce(0) { sum, i in
      let difference = Double(values[i]) - Double(source[i])
      return sum + Double(weights[i % weights.count]) * difference * difference
    }
  }

  @Test(
    "types without a use for weights ignore them",
    arguments: ["Q8_0", "MXFP4", "TQ1_0", "TQ2_0"]
  )
  func unusedWeights(name: String) throws {
    let type = ElementType(name: name)
    let source = try BlockOracle.all[0].floats("source")
    let weights = try BlockOracle.all[0].floats("importance")
    #expect(try narrowed(source, type, importance: weights) == narrowed(source, type))
  }

  @Test("weights count from the start of every row", arguments: weighted)
  func rows(name: String) throws {
    let type = ElementType(name: name)
    let source = try BlockOracle.all[0].floats("source")
    let weights = try BlockOracle.all[0].floats("importance")
    let apart = try stride(from: 0, to: source.count, by: 512).flatMap {
      try narrowed(Array(source[$0..<$0 + 512]), type, importance: weights)
    }
    #expect(try narrowed(source, type, importance: weights) == apart)
  }
}
