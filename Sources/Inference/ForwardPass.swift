package import Checkpoint
package import LinearAlgebra
internal import Storage
package import SystemPackage
internal import Tensors

/// Runs a model over windows of token ids, one decoder layer's weights in memory at a time.
package struct ForwardPass: Sendable {
  /// The model.
  package let checkpoint: Checkpoint
  /// Its configuration.
  package let configuration: ModelConfiguration
  /// Threads to use.
  package let threads: Int

  /// What an observer may look at; every part is optional.
  package struct Observer {
    /// Sees the stream entering layer L (L = number of layers: leaving the last), group by group.
    package var hidden: ((_ layer: Int, _ group: Int, Matrix) throws -> Void)?
    /// Sees router logits, group by group.
    package var router: ((_ layer: Int, _ group: Int, Matrix) throws -> Void)?
    /// Called when a layer is done.
    package var layerDone: ((_ layer: Int) -> Void)?

    /// Sees nothing.
    package init() {}
  }

  /// A pass over `checkpoint`, which must be complete (`requireComplete` checks that).
  package init(_ checkpoint: Checkpoint, threads: Int) throws {
    self.checkpoint = checkpoint
    configuration = try checkpoint.requireConfiguration()
    self.threads = threads
  }

  /// A loader of its weights.
  package var loader: WeightLoader { WeightLoader(checkpoint, threads: threads) }

  /// The stream a pass starts from, or goes on with.
  ///
  /// - Parameters:
  ///   - ids: Token ids, whole windows of `length`.
  ///   - length: Tokens per window.
  ///   - spoolFolder: Where the stream is spooled; nil keeps it in memory.
  ///   - record: How far an earlier run was; nil or empty starts with the embedding.
  /// - Returns: The stream that enters the record's next step.
  /// - Throws: ``InferenceError/tokenOutOfRange(id:vocabularySize:)``, `CheckpointError` if a row
  ///   of the embedding is not finite, `StorageError` if a work file cannot be used.
  package func start(_ ids: [Int32], length: Int, spoolFolder: FilePath?, record: PassRecord?)
    throws -> HiddenStream
  {
    guard let record, record.nextStep > 0 else {
      return try embed(ids, length: length, spoolFolder: spoolFolder)
    }
    let stream = try HiddenStream(
      windowCount: ids.count / length,
      length: length,
      width: configuration.hiddenSize,
      spoolFolder: spoolFolder
    )
    try record.restore([stream])
    return stream
  }

  /// Embeds windows of tokens.
  ///
  /// - Parameters:
  ///   - ids: Token ids, whole windows of `length`.
  ///   - length: Tokens per window.
  ///   - spoolFolder: Where the stream is spooled; nil keeps it in memory.
  /// - Returns: The stream that enters layer 0.
  /// - Throws: ``InferenceError/tokenOutOfRange(id:vocabularySize:)``, `CheckpointError` if a row
  ///   of the embedding is not finite, `StorageError` if spooling fails.
  package func embed(_ ids: [Int32], length: Int, spoolFolder: FilePath?) throws -> HiddenStream {
    let stream = try HiddenStream(
      windowCount: ids.count / length,
      length: length,
      width: configuration.hiddenSize,
      spoolFolder: spoolFolder
    )
    for id in ids where id < 0 || Int(id) >= configuration.vocabularySize {
      throw InferenceError.tokenOutOfRange(
        id: Int(id),
        vocabularySize: configuration.vocabularySize
      )
    }
    guard let index = checkpoint.index(of: TensorPlace(.embedding)) else { return stream }
    let rowBytes = try checkpoint.tensors[index].type.byteCount(shape: [configuration.hiddenSize])
    for number in stream.groups.indices {
      let rows = try stream.load(number)
      let first = stream.groups[number].lowerBound * length
      // Each row is fetched once per group, however often its token occurs.
      var seen: [Int32: Int] = [:]
      for row in 0..<rows.rows {
        let id = ids[first + row]
        if let earlier = seen[id] {
          rows.row(row).baseAddress?.update(
            from: rows.pointer + earlier * rows.columns,
            count: rows.columns
          )
        } else {
          try checkpoint.widen(tensor: index, fromByte: Int(id) * rowBytes, into: rows.row(row))
          seen[id] = row
        }
      }
      try stream.store(rows, number)
    }
    return stream
  }

  /// Takes the stream through every layer, in place.
  package func run(_ stream: HiddenStream, observer: Observer = Observer()) throws {
    for layer in 0..<configuration.layerCount {
      let weights = try DecoderLayer(loader, index: layer, length: stream.length)
      for number in stream.groups.indices {
        let h = try stream.load(number)
        try observer.hidden?(layer, number, h)
        try weights.advance(h, length: stream.length) { logits in
          try observer.router?(layer, number, logits)
        }
        try stream.store(h, number)
      }
      observer.layerDone?(layer)
    }
    if let hidden = observer.hidden {
      for number in stream.groups.indices {
        try hidden(configuration.layerCount, number, try stream.load(number))
      }
    }
  }

  /// The head: final norm and output rows.
  package func outputHead() throws -> OutputHead {
    OutputHead(
      loader: loader,
      norm: RMSNorm(
        weight: try loader.vector(TensorPlace(.finalNorm)),
        epsilon: configuration.normEpsilon
      ),
      place: TensorPlace(configuration.isTied ? .embedding : .output),
      vocabularySize: configuration.vocabularySize
    )
  }
}

/// Final norm and output matrix, whose rows are used in blocks.
package struct OutputHead: Sendable {
  private let loader: WeightLoader
  private let norm: RMSNorm
  private let place: TensorPlace
  /// Rows of the output matrix: the size of the vocabulary.
  package let vocabularySize: Int

  fileprivate init(loader: WeightLoader, norm: RMSNorm, place: TensorPlace, vocabularySize: Int) {
    self.loader = loader
    self.norm = norm
    self.place = place
    self.vocabularySize = vocabularySize
  }

  /// The final norm of h, [rows, H].
  package func normalized(_ h: Matrix) -> Matrix { norm(h, threads: loader.threads) }

  /// Some rows of the output matrix: [rows, H].
  package func weights(_ rows: Range<Int>) throws -> Matrix {
    try loader.matrix(place, rows: rows)
  }
}
