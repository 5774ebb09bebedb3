public import Checkpoint
internal import Parallelism
internal import Tensors

/// Compares two models of any formats, as `diff` does.
///
/// Models of one family are compared by what tensors do, under the names of Hugging Face: an expert
/// by its number in the original model, as its matrix [I, H] or [H, I], whether it is a tensor of its
/// own, rows of a fused one or the product of factors. Of a router only the rows of experts that both
/// models have are compared. An output that one model leaves out because it is the embedding is
/// compared as that embedding; if both leave it out it is not listed. Other models are compared by the
/// names that their files give.
public struct ModelComparison: Sendable {
  private let a: ComparedModel
  private let b: ComparedModel
  private let threads: Int
  private var pairs: [Couple] = []
  private var jobs: [Job] = []
  private var onlyInA: [String] = []
  private var onlyInB: [String] = []
  private var differentShape: [ModelDifference.Mismatch<[Int]>] = []
  private var notComparable: [ModelDifference.Mismatch<String>] = []

  /// A tensor of each model.
  private struct Couple {
    var a: ComparedTensor
    var b: ComparedTensor
    /// Whether values can be computed with; else bytes are compared.
    var hasNumbers: Bool
  }

  /// Elements of a couple that are compared at once.
  private struct Job {
    var couple: Int
    var elements: Range<Int>
    var byteCount: Int
  }

  /// What a job found.
  private struct Finding: Sendable {
    var sums = DifferenceSums()
    /// Bytes that are no numbers here are not the same.
    var hasOtherBytes = false
  }

  /// Elements that a thread compares at once; of types of two bytes and more a whole number of a
  /// pack's chunks, so that none is decoded twice.
  private static let pieceElements = 1 << 20

  /// Finds the tensors to compare; reads no values.
  ///
  /// - Parameters:
  ///   - a: The first model, to which errors are relative.
  ///   - b: The second.
  ///   - threads: Most threads to use; results do not depend on it.
  ///   - isWanted: Whether the tensor of a name is to be looked at.
  /// - Throws: `CheckpointError` if a model's experts do not have the shapes of its configuration.
  public init(
    _ a: Checkpoint,
    _ b: Checkpoint,
    threads: Int,
    isWanted: (String) -> Bool = { _ in true }
  ) throws {
    let byPlace =
      a.configuration != nil && a.configuration?.modelType == b.configuration?.modelType
    var first = try ComparedModel(a, byPlace: byPlace)
    var second = try ComparedModel(b, byPlace: byPlace)
    if byPlace, let output = a.names?.name(of: TensorPlace(.output)) {
      if first[output] == nil, second[output] != nil { first.addTiedOutput() }
      if second[output] == nil, first[output] != nil { second.addTiedOutput() }
    }
    (self.a, self.b, self.threads) = (first, second, threads)
    for tensor in first.tensors where isWanted(tensor.name) {
      if let other = second[tensor.name] {
        try couple(tensor, other)
      } else {
        onlyInA.append(tensor.name)
      }
    }
    onlyInB = second.tensors.map(\.name).filter { isWanted($0) && first[$0] == nil }
  }

  /// Stored bytes that will be read.
  public var byteCount: Int { jobs.reduce(0) { $0 + $1.byteCount } }

  /// Compares.
  ///
  /// - Parameter progress: Called with the bytes done since the last call.
  /// - Returns: What differs.
  /// - Throws: What reading a model throws.
  public func run(progress: (Int) -> Void) throws -> ModelDifference {
    var found = [Finding](repeating: Finding(), count: pairs.count)
    var next = 0
    try parallelInOrder(count: jobs.count, threads: threads) { number in
      try compare(jobs[number])
    } consume: { finding in
      let job = jobs[next]
      next += 1
      found[job.couple].sums.add(finding.sums)
      if finding.hasOtherBytes { found[job.couple].hasOtherBytes = true }
      progress(job.byteCount)
    }
    let tensors = zip(pairs, found).map { pair, finding in
      ModelDifference.Tensor(
        name: pair.a.name,
        relativeError: finding.hasOtherBytes ? .nan : finding.sums.relativeError,
        maxAbsolute: finding.hasOtherBytes ? .nan : finding.sums.maxAbsolute,
        types: .init(a: pair.a.typeName, b: pair.b.typeName)
      )
    }
    return ModelDifference(
      tensors: tensors,
      onlyInA: onlyInA,
      onlyInB: onlyInB,
      differentShape: differentShape,
      notComparable: notComparable
    )
  }

  // MARK: - What to compare

  private mutating func couple(_ first: ComparedTensor, _ second: ComparedTensor) throws {
    var (first, second) = (first, second)
    if let ours = a.routedExperts(first), let theirs = b.routedExperts(second), ours != theirs,
      first.hasWholeRows, second.hasWholeRows
    {
      let common = ours.filter(Set(theirs).contains)
      first.keepRows(common.compactMap(ours.firstIndex(of:)))
      second.keepRows(common.compactMap(theirs.firstIndex(of:)))
    }
    guard first.shape == second.shape else {
      let shapes = ModelDifference.Pair(a: first.shape, b: second.shape)
      differentShape.append(.init(name: first.name, found: shapes))
      return
    }
    let hasNumbers = first.type.isComputable && second.type.isComputable
    let hasLikeBytes =
      first.type.isKnown && first.type == second.type && first.isContiguous && second.isContiguous
    guard hasNumbers || hasLikeBytes else {
      let types = ModelDifference.Pair(a: first.typeName, b: second.typeName)
      notComparable.append(.init(name: first.name, found: types))
      return
    }
    try cut(Couple(a: first, b: second, hasNumbers: hasNumbers))
  }

  /// Adds a couple and its jobs: pieces, or the whole where one is factors.
  private mutating func cut(_ couple: Couple) throws {
    let count = couple.a.elementCount
    let isInPieces = couple.a.isContiguous && couple.b.isContiguous
    let step = isInPieces ? ModelComparison.pieceElements : max(count, 1)
    for start in stride(from: 0, to: count, by: step) {
      let elements = start..<min(start + step, count)
      let bytes =
        (try a.storedBytes(couple.a, elements)) + (try b.storedBytes(couple.b, elements))
      jobs.append(Job(couple: pairs.count, elements: elements, byteCount: bytes))
    }
    pairs.append(couple)
  }

  // MARK: - Comparing

  private func compare(_ job: Job) throws -> Finding {
    let couple = pairs[job.couple]
    guard couple.hasNumbers else {
      let first = try stored(couple.a, job.elements, of: a.checkpoint)
      let second = try stored(couple.b, job.elements, of: b.checkpoint)
      return Finding(hasOtherBytes: first != second)
    }
    let first = try ComparedValues(couple.a, of: a.checkpoint)
    let second = try ComparedValues(couple.b, of: b.checkpoint)
    var sums = DifferenceSums()
    // A product is whole already; what it is compared with is still read in pieces.
    for start in stride(
      from: job.elements.lowerBound,
      to: job.elements.upperBound,
      by: ModelComparison.pieceElements
    ) {
      let end = min(start + ModelComparison.pieceElements, job.elements.upperBound)
      try first.withElements(start..<end) { x in
        try second.withElements(start..<end) { y in sums.add(DifferenceSums(x, y)) }
      }
    }
    return Finding(sums: sums)
  }

  private func stored(_ tensor: ComparedTensor, _ elements: Range<Int>, of model: Checkpoint) throws
    -> [UInt8]
  {
    guard case .bytes(let index, let range) = tensor.origin else { return [] }
    let bytes = try ComparedValues.bytes(elements, tensor.type, from: range.lowerBound)
    var room = [UInt8](repeating: 0, count: bytes.count)
    try room.withUnsafeMutableBytes { try model.source.read(tensor: index, bytes: bytes, into: $0) }
    return room
  }
}

extension ComparedTensor {
  /// Whether single rows can be read as numbers.
  fileprivate var hasWholeRows: Bool {
    type.isComputable && (try? type.byteCount(shape: Array(shape.dropFirst()))) != nil
  }

  /// Leaves some rows of a tensor that is stored as it is.
  fileprivate mutating func keepRows(_ rows: [Int]) {
    guard case .bytes(let tensor, _) = origin else { return }
    origin = .rows(tensor: tensor, rows)
    shape[0] = rows.count
  }
}
