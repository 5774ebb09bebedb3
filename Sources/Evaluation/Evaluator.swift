package import Checkpoint
internal import Glibc
internal import Inference
internal import LinearAlgebra
internal import Parallelism
internal import Safetensors
internal import Storage
package import SystemPackage

/// Measures perplexity, and the divergence from a reference, over windows of a token stream.
///
/// A window is scored on its tokens 1 … N-1 given those before them; perplexity is exp of the mean
/// negative log-likelihood. Logits exist in blocks only (tokens by vocabulary rows), so a large
/// vocabulary costs no more memory than a small one.
package struct Evaluator {
  /// What to compare with.
  package enum Reference {
    /// Another model.
    case model(Checkpoint)
    /// Logits saved before.
    case logits(FilePath)
  }

  /// What was measured.
  package struct Result: Sendable {
    /// Perplexity: exp of the mean negative log-likelihood (nats); nil if nothing was scored.
    package var perplexity: Double?
    /// Number of tokens scored, all but the first of each window.
    package var scoredTokens: Int
    /// Number of windows.
    package var windows: Int
    /// The comparison, if there was one.
    package var against: Comparison?
  }

  /// A model beside its reference.
  package struct Comparison: Sendable {
    /// The reference's perplexity; nil if nothing was scored.
    package var perplexity: Double?
    /// Mean over scored positions of KL(reference ‖ model) = sum of p_r (ln p_r − ln p_m), in nats.
    package var meanKL: Double?
    /// Share of scored positions, 0 to 1, where both find the same token likeliest.
    package var top1Agreement: Double?
  }

  /// Threads to use.
  package var threads: Int
  /// Hidden states of more bytes than this go to a spool file.
  package var memoryBudget: Int
  /// Folder for spool files.
  package var spoolFolder: FilePath
  /// Where to save logits; nil saves none.
  package var logitsPath: FilePath?
  /// Where to save hidden states and router logits; nil saves none.
  package var hiddenPath: FilePath?
  /// Called with the index of each layer that is done, of the model and then of its reference.
  package var layerDone: ((Int) -> Void)?

  /// An evaluator that saves nothing.
  package init(threads: Int, memoryBudget: Int = 1 << 30, spoolFolder: FilePath = ".") {
    self.threads = threads
    self.memoryBudget = memoryBudget
    self.spoolFolder = spoolFolder
  }

  /// Rows of the vocabulary in a block.
  static let vocabularyBlock = 4096
  /// Tokens in a block.
  static let tokenBlock = 512

  /// Evaluates `checkpoint` on `stream`, against a reference if one is given.
  package func evaluate(
    _ checkpoint: Checkpoint,
    _ stream: TokenStream,
    against reference: Reference? = nil
  ) throws -> Result {
    let pass = try ForwardPass(checkpoint, threads: threads)
    // A reference that does not fit is refused before anything is computed.
    let (referencePass, saved) = try open(reference, for: pass, stream)
    let saver = try hiddenPath.map { try HiddenSaver($0, checkpoint, stream) }
    let model = try logits(pass, stream, saver: saver)
    let groups = model.groups
    let other: (any LogitSource)? =
      try referencePass.map { try logits($0, stream, saver: nil) } ?? saved
    let writer = try logitsPath.map { path in
      try SafetensorsWriter(
        replacing: path,
        tensors: SavedLogits.layout(
          windows: stream.windowCount,
          context: stream.context,
          vocabularySize: model.vocabularySize
        )
      )
    }
    if let writer {
      let ids = stream.ids.map { Int64($0) }
      try ids.withUnsafeBytes { try writer.write($0, tensor: 1, at: 0) }
    }
    let scores = try scan(model, other, stream, groups: groups, writer: writer)
    try writer?.finish()
    try saver?.finish()
    return summarize(scores, stream, hasReference: other != nil)
  }

  private func open(_ reference: Reference?, for pass: ForwardPass, _ stream: TokenStream) throws
    -> (
      ForwardPass?, SavedLogits?
    )
  {
    let size = pass.configuration.vocabularySize
    switch reference {
    case .model(let checkpoint):
      let other = try ForwardPass(checkpoint, threads: threads)
      guard other.configuration.vocabularySize == size else {
        throw EvaluationError.otherVocabulary(
          expected: other.configuration.vocabularySize,
          got: size
        )
      }
      return (other, nil)
    case .logits(let path):
      let saved = try SavedLogits(
        path,
        ids: stream.ids,
        context: stream.context,
        windowsPerGroup: max(1, HiddenStream.groupTokens / stream.context)
      )
      guard saved.vocabularySize == size else {
        throw EvaluationError.otherVocabulary(expected: saved.vocabularySize, got: size)
      }
      return (nil, saved)
    case nil: return (nil, nil)
    }
  }

  private func logits(_ pass: ForwardPass, _ stream: TokenStream, saver: HiddenSaver?) throws
    -> ModelLogits
  {
    let bytes = HiddenStream.byteCount(
      tokens: stream.ids.count,
      width: pass.configuration.hiddenSize
    )
    var observer = saver?.observer ?? ForwardPass.Observer()
    observer.layerDone = layerDone
    return try ModelLogits(
      pass,
      ids: stream.ids,
      context: stream.context,
      spoolFolder: spools(bytes) ? spoolFolder : nil,
      observer: observer
    )
  }

  /// Walks through all blocks of vocabulary and tokens; one score per token.
  private func scan(
    _ model: ModelLogits,
    _ reference: (any LogitSource)?,
    _ stream: TokenStream,
    groups: [Range<Int>],
    writer: SafetensorsWriter?
  ) throws -> [PairScore] {
    let scores = UnsafeMutableBufferPointer<PairScore>.allocate(capacity: stream.ids.count)
    scores.initialize(repeating: PairScore())
    defer { scores.deallocate() }
    let vocabularySize = model.vocabularySize
    for start in stride(from: 0, to: vocabularySize, by: Evaluator.vocabularyBlock) {
      let vocabulary = start..<min(start + Evaluator.vocabularyBlock, vocabularySize)
      try model.begin(vocabulary: vocabulary)
      try reference?.begin(vocabulary: vocabulary)
      for (group, windows) in groups.enumerated() {
        let tokens = windows.lowerBound * stream.context..<windows.upperBound * stream.context
        for first in stride(from: 0, to: tokens.count, by: Evaluator.tokenBlock) {
          let rows = first..<min(first + Evaluator.tokenBlock, tokens.count)
          let y = try model.logits(group: group, rows: rows)
          if let writer {
            try save(y, to: writer, token: tokens.lowerBound + first, vocabulary, vocabularySize)
          }
          let r = try reference?.logits(group: group, rows: rows)
          nonisolated(unsafe) let scores = scores
          parallelForEach(count: rows.count, threads: threads) { row in
            let token = tokens.lowerBound + first + row
            let next = (token + 1) % stream.context == 0 ? nil : Int(stream.ids[token + 1])
            if let r {
              scores[token].add(
                reference: r.row(row),
                model: y.row(row),
                vocabularyStart: start,
                targetID: next
              )
            } else {
              scores[token].model.add(y.row(row), vocabularyStart: start, targetID: next)
            }
          }
        }
      }
    }
    return Array(scores)
  }

  private func save(
    _ y: Matrix,
    to writer: SafetensorsWriter,
    token: Int,
    _ vocabulary: Range<Int>,
    _ size: Int
  ) throws {
    if vocabulary.count == size {
      try writer.write(UnsafeRawBufferPointer(y.elements), tensor: 0, at: token * size * 4)
      return
    }
    for row in 0..<y.rows {
      let start = ((token + row) * size + vocabulary.lowerBound) * 4
      try writer.write(UnsafeRawBufferPointer(y.row(row)), tensor: 0, at: start)
    }
  }

  private func summarize(_ scores: [PairScore], _ stream: TokenStream, hasReference: Bool) -> Result
  {
    var (model, reference, divergence, agreed, scored) = (0.0, 0.0, 0.0, 0, 0)
    for (token, score) in scores.enumerated() where (token + 1) % stream.context != 0 {
      scored += 1
      model += score.model.logSum - Double(score.model.target)
      guard hasReference else { continue }
      reference += score.reference.logSum - Double(score.reference.target)
      divergence += score.divergence
      if score.reference.likeliest == score.model.likeliest { agreed += 1 }
    }
    func mean(_ sum: Double) -> Double? { scored == 0 ? nil : sum / Double(scored) }
    var result = Result(
      perplexity: mean(model).map { exp($0) },
      scoredTokens: scored,
      windows: stream.windowCount,
      against: nil
    )
    if hasReference {
      result.against = Comparison(
        perplexity: mean(reference).map { exp($0) },
        meanKL: mean(divergence),
        top1Agreement: mean(Double(agreed))
      )
    }
    return result
  }
}
