import Checkpoint
import Fixtures
import LinearAlgebra
import SystemPackage
import Testing

@testable import Inference

/// What must not change the numbers of a forward pass, and what stops it.
@Suite struct ForwardPassTests {
  static let length = 64
  /// More than one group of windows, and a last group that is not full.
  static let windows = HiddenStream.groupTokens / length + 5

  static let ids: [Int32] = {
    var generator = SeededGenerator(seed: 3, stream: 0)
    return (0..<windows * length).map { _ in Int32(generator.next() % 1024) }
  }()

  func final(threads: Int, spoolFolder: FilePath?) throws -> [UInt32] {
    let checkpoint = try Checkpoint(Fixtures.path("models/micro-qwen2moe"))
    let pass = try ForwardPass(checkpoint, threads: threads)
    let stream = try pass.embed(
      ForwardPassTests.ids,
      length: ForwardPassTests.length,
      spoolFolder: spoolFolder
    )
    try pass.run(stream)
    #expect(stream.groups.count == 2)
    return try stream.groups.indices.flatMap { try stream.load($0).values.map(\.bitPattern) }
  }

  @Test("spooled to a file or in memory, with one thread or two, the bits are the same")
  func spoolAndThreadsDoNotMatter() throws {
    let folder = try ScratchFolder()
    let plain = try final(threads: 2, spoolFolder: nil)
    #expect(try final(threads: 2, spoolFolder: FilePath(folder.path)) == plain)
    #expect(try final(threads: 1, spoolFolder: nil) == plain)
    #expect(try ScratchFolder.names(in: folder.path).isEmpty)
  }

  @Test("a token id outside the vocabulary is refused by name", arguments: [-1, 1024, 100_000])
  func strangeIDs(id: Int32) throws {
    let checkpoint = try Checkpoint(Fixtures.path("models/micro-qwen2moe"))
    let pass = try ForwardPass(checkpoint, threads: 1)
    #expect(throws: InferenceError.tokenOutOfRange(id: Int(id), vocabularySize: 1024)) {
      try pass.embed([1, 2, id, 3], length: 4, spoolFolder: nil)
    }
  }

  @Test("windows do not see each other")
  func windowsAreApart() throws {
    let checkpoint = try Checkpoint(Fixtures.path("models/tiny-mixtral"))
    let pass = try ForwardPass(checkpoint, threads: 2)
    func leaving(_ ids: [Int32]) throws -> Matrix {
      let stream = try pass.embed(ids, length: 8, spoolFolder: nil)
      try pass.run(stream)
      return try stream.load(0)
    }
    let first: [Int32] = [1, 5, 9, 200, 31, 77, 8, 1000]
    let alone = try leaving(first)
    let other: [Int32] = [1, 4, 4, 4, 1999, 4, 4, 4]
    let together = try leaving(other + first).copy(ofRows: 8..<16)
    // Other tokens change the size of products, hence the order of their sums.
    #expect(relativeDifference(together.values, alone.values) <= 1e-5)
  }

  @Test("leaving experts out is routing among the others")
  func allowedExperts() throws {
    let checkpoint = try Checkpoint(Fixtures.path("models/micro-qwen2moe"))
    let pass = try ForwardPass(checkpoint, threads: 1)
    let layer = try DecoderLayer(pass.loader, index: 1, length: 16)
    let x = gaussian(16, 96, seed: 2)
    let logits = try layer.routerLogits(x)
    let allowed = [0, 3, 4, 7, 8, 15]
    let fast = Matrix(rows: 16, columns: 96)
    try layer.addRouted(x, logits: logits, allowed: allowed, to: fast)
    var slow = [[Double]](repeating: Array(repeating: 0, count: 96), count: 16)
    for token in 0..<16 {
      let input = x.copy(ofRows: token..<token + 1)
      let chosen = RoutingTests.slow(Array(logits.row(token)), allowed, layer.rule)
      #expect(chosen.count == 4)
      for (expert, weight) in chosen {
        let y = try pass.loader.expert(layer: 1, expert: expert)(input, threads: 1)
        for column in 0..<96 { slow[token][column] += weight * Double(y[0, column]) }
      }
    }
    let error = relativeDifference(fast.values.map { Double($0) }, slow.flatMap { $0 })
    #expect(error <= 1e-5)
  }
}
