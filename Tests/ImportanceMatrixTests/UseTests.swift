import SystemPackage
import TestSupport
import Testing

@testable import ImportanceMatrix

@Suite("Importance matrices: what they are used for")
struct UseTests {
  @Test("weights are means of squares, and 1 for an expert without tokens")
  func weights() throws {
    let matrix = Samples.matrix
    let name = "blk.0.ffn_up_exps.weight"
    #expect(try matrix.weights(for: name, expert: 0, of: 2, columns: 3) == [1, 2, 3])
    #expect(try matrix.weights(for: name, expert: 1, of: 2, columns: 3) == [1, 1, 1])
    #expect(try matrix.weights(for: "blk.0.attn_q.weight", columns: 3) == [1, 0.0625, 1e-3 / 8])
    #expect(try matrix.weights(for: "output.weight", columns: 3) == nil)
  }

  @Test("in the legacy form sums are divided by the calls, and kept where there were none")
  func legacyWeights() throws {
    let folder = try TemporaryDirectory()
    let matrix = try ImportanceMatrix(reading: folder.write(Samples.legacy, to: "x.dat"))
    #expect(try matrix.weights(for: "blk.0.attn_q.weight", columns: 2) == [2, 0.5])
    let name = "blk.0.ffn_up_exps.weight"
    #expect(try matrix.weights(for: name, expert: 1, of: 2, columns: 2) == [3, 4])
    #expect(matrix.expertCounts(layer: 0) == nil && matrix.expertFrequencies(layer: 0) == nil)
  }

  @Test("an entry of another size than the tensor is refused, but for the embedding's")
  func otherSize() throws {
    let folder = try TemporaryDirectory()
    try Samples.matrix.write(to: folder("x.gguf"))
    let matrix = try ImportanceMatrix(reading: folder("x.gguf"))
    let error = #expect(throws: ImportanceMatrixError.self) {
      try matrix.weights(for: "blk.0.ffn_up_exps.weight", expert: 0, of: 4, columns: 3)
    }
    let words = error?.description ?? ""
    for word in ["x.gguf", "blk.0.ffn_up_exps.weight", "6", "12", "another model"] {
      #expect(words.contains(word), "\(words)")
    }
    let embedding = ImportanceMatrix(
      datasets: [],
      chunkCount: 1,
      chunkSize: 1,
      entries: [ImportanceMatrix.Entry(name: "token_embd.weight", sums: [1], counts: [1])]
    )
    #expect(try embedding.weights(for: "token_embd.weight", columns: 2) == nil)
  }

  @Test("counts that are neither one nor one for each expert are refused, not laid on other rows")
  func otherCounts() throws {
    func weights(_ counts: [Float], experts: Int = 4) throws -> [Float]? {
      let entry = ImportanceMatrix.Entry(
        name: "blk.0.ffn_up_exps.weight",
        sums: [Float](repeating: 8, count: 16),
        counts: counts
      )
      let matrix = ImportanceMatrix(datasets: [], chunkCount: 1, chunkSize: 1, entries: [entry])
      return try matrix.weights(for: entry.name, expert: 1, of: experts, columns: 16 / experts)
    }
    #expect(try weights([2]) == [4, 4, 4, 4])
    #expect(try weights([1, 2, 4, 8]) == [4, 4, 4, 4])
    for (counts, experts) in [
      ([1, 2], 4), ([Float](repeating: 1, count: 8), 4), ([1, 2, 4, 8], 2),
    ]
      as [([Float], Int)]
    {
      let error = #expect(throws: ImportanceMatrixError.self) {
        try weights(counts, experts: experts)
      }
      let words = error?.description ?? ""
      for word in [
        "ffn_up_exps", "\(counts.count) counts", "1 or \(experts)", "another model",
      ] {
        #expect(words.contains(word), "no '\(word)' in: \(words)")
      }
    }
  }

  @Test("frequencies are each expert's share of the counts")
  func frequencies() {
    func matrix(_ counts: [Float]) -> ImportanceMatrix {
      ImportanceMatrix(
        datasets: [],
        chunkCount: 1,
        chunkSize: 1,
        entries: [
          ImportanceMatrix.Entry(
            name: "blk.3.ffn_gate_exps.weight",
            sums: counts,
            counts: counts
          )
        ]
      )
    }
    #expect(matrix([1, 3, 0, 4]).expertCounts(layer: 3) == [1, 3, 0, 4])
    #expect(matrix([1, 3, 0, 4]).expertFrequencies(layer: 3) == [0.125, 0.375, 0, 0.5])
    #expect(matrix([0, 0]).expertFrequencies(layer: 3) == [0, 0])
    #expect(matrix([1.4, 2.5, 0.2]).expertCounts(layer: 3) == [1, 3, 0])
    #expect(matrix([1, 3]).expertFrequencies(layer: 2) == nil)
  }
}
