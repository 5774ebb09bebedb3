internal import ImportanceMatrix
internal import SystemPackage
package import TestSupport

/// An importance matrix of either form.
package final class ImportanceMatrixTarget: FuzzTarget {
  package static let name = "imatrix"
  package let seeds: [[UInt8]]

  private let scratch: Scratch

  package init(folder: String, fixtures: String) throws {
    scratch = Scratch(folder)
    let matrix = ImportanceMatrix(
      datasets: ["a.txt", "é"],
      chunkCount: 2,
      chunkSize: 64,
      entries: [
        .init(name: "blk.0.ffn_up_exps.weight", sums: [2, 4, 6, 0, 0, 0], counts: [2, 0]),
        .init(name: "blk.0.attn_q.weight", sums: [8, 0.5, 1e-3], counts: [8]),
      ]
    )
    try matrix.write(to: scratch("seed.gguf"))
    seeds = [try scratch.bytes("seed.gguf"), ImportanceMatrixTarget.legacy]
  }

  /// The older form with all that may follow the entries.
  private static var legacy: [UInt8] {
    func text(_ text: String) -> [UInt8] { .littleEndian(Int32(text.utf8.count)) + text.utf8 }
    func entry(_ name: String, calls: Int32, _ values: [Float]) -> [UInt8] {
      text(name) + .littleEndian(calls) + .littleEndian(Int32(values.count))
        + values.flatMap { [UInt8].littleEndian($0.bitPattern) }
    }
    return .littleEndian(Int32(2)) + entry("blk.0.attn_q.weight", calls: 4, [8, 2])
      + entry("blk.0.ffn_up_exps.weight", calls: 0, [1, 2, 3, 4]) + .littleEndian(Int32(7))
      + text("a.txt")
  }

  package func mutated(_ input: [UInt8], using random: inout SeededRandom) -> [UInt8] {
    GGUFMutation.mutated(input, using: &random)
  }

  package func run(_ input: [UInt8]) throws -> Bool {
    try scratch.write(input, to: "x.imatrix")
    let path = scratch("x.imatrix")
    guard let matrix = try opening("x.imatrix", { try ImportanceMatrix(reading: path) }) else {
      return false
    }
    for entry in matrix.entries { try use(entry, of: matrix) }
    for layer in 0..<2 {
      let shares = matrix.expertFrequencies(layer: layer)
      try require(shares?.allSatisfy { $0 >= 0 && $0 <= 1 } ?? true, "no shares: \(shares ?? [])")
    }
    if matrix.form == .gguf { try rewrite(matrix) }
    return true
  }

  /// Weights for a tensor of the entry's own shape are given, for others given or refused.
  private func use(_ entry: ImportanceMatrix.Entry, of matrix: ImportanceMatrix) throws {
    let experts = entry.counts.count
    let weights = try must("weights") {
      try matrix.weights(
        for: entry.name,
        expert: experts - 1,
        of: experts,
        columns: entry.sumsPerCount
      )
    }
    // A mean past the largest Float32 is infinite, as in llama-quantize.
    try require(
      weights?.count == entry.sumsPerCount && (weights ?? []).allSatisfy { $0 >= 0 },
      "'\(entry.name)' has the weights \(weights ?? [])"
    )
    for others in [1, 2, 3] {
      _ = try opening("x.imatrix") {
        try matrix.weights(
          for: entry.name,
          of: others,
          columns: entry.sums.count / others
        )
      }
    }
  }

  /// Written anew it says the same.
  private func rewrite(_ matrix: ImportanceMatrix) throws {
    let path = scratch("written.gguf")
    let again: ImportanceMatrix
    do {
      try matrix.write(to: path)
      again = try ImportanceMatrix(reading: path)
    } catch {
      throw BrokenProperty("written again: \(error)")
    }
    try require(again.entries == matrix.entries, "other entries came back")
    try require(again.datasets == matrix.datasets, "other texts came back")
  }
}
