internal import Checkpoint
package import Inference
package import LinearAlgebra
internal import Storage
package import SystemPackage

/// Gives logits for blocks of tokens and vocabulary.
package protocol LogitSource: AnyObject {
  /// Number of tokens in the vocabulary.
  var vocabularySize: Int { get }
  /// Makes some rows of the vocabulary ready; comes before `logits`.
  func begin(vocabulary: Range<Int>) throws
  /// Logits of some tokens of a group for the rows that are ready: [tokens, rows].
  func logits(group: Int, rows: Range<Int>) throws -> Matrix
}

/// A model's logits, made block by block from the stream that leaves its last layer.
package final class ModelLogits: LogitSource {
  /// Size of the model's vocabulary.
  package let vocabularySize: Int
  private let head: OutputHead
  private let stream: HiddenStream
  private let threads: Int
  private var weights: Matrix?

  /// Runs `pass` over the windows of `ids` and normalises what leaves it.
  package init(
    _ pass: ForwardPass,
    ids: [Int32],
    context: Int,
    spoolFolder: FilePath?,
    observer: ForwardPass.Observer = ForwardPass.Observer()
  ) throws {
    stream = try pass.embed(ids, length: context, spoolFolder: spoolFolder)
    try pass.run(stream, observer: observer)
    head = try pass.outputHead()
    vocabularySize = head.vocabularySize
    threads = pass.threads
    for number in stream.groups.indices {
      try stream.store(head.normalized(try stream.load(number)), number)
    }
  }

  /// The groups of windows, for whoever walks through them.
  package var groups: [Range<Int>] { stream.groups }

  /// Reads these rows of the output matrix as Float32.
  package func begin(vocabulary: Range<Int>) throws {
    weights = nil
    weights = try head.weights(vocabulary)
  }

  /// Multiplies the group's rows by the output rows that are ready: [tokens, rows].
  package func logits(group: Int, rows: Range<Int>) throws -> Matrix {
    guard let weights else { preconditionFailure("begin(vocabulary:) comes first") }
    let h = try stream.load(group)
    let y = Matrix(rows: rows.count, columns: weights.rows)
    try multiply(h.view(ofRows: rows), transposed: weights.view, into: y.view, threads: threads)
    return y
  }
}
