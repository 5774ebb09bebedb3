package import Checkpoint
package import ImportanceMatrix
package import Inference

/// Which matrices of a model an importance matrix has: those that `llama-imatrix` sees, which is all of
/// a decoder layer's and neither the embedding nor, by default, the output.
package struct ImportanceLayout: Sendable {
  private let c: ModelConfiguration

  /// The layout for a model.
  package init(_ configuration: ModelConfiguration) { c = configuration }

  /// One entry of the file, and which input of the layer it is about.
  package struct Entry: Sendable {
    /// What the matrix reads.
    package let input: LayerInput
    /// Name, input channels and number of matrices.
    package let shape: ImportanceMatrixWriter.Shape
  }

  /// The entries of one layer.
  package func entries(layer: Int) -> [Entry] {
    inputs(layer: layer).flatMap { input in
      roles(reading: input, layer: layer).map { role in
        Entry(
          input: input,
          shape: ImportanceMatrixWriter.Shape(
            name: TensorNames.ggufMatrices.name(of: TensorPlace(role, layer: layer)),
            columns: columns(of: input, layer: layer),
            experts: experts(of: input)
          )
        )
      }
    }
  }

  /// The entries of all layers.
  package var shapes: [ImportanceMatrixWriter.Shape] {
    (0..<c.layerCount).flatMap { entries(layer: $0).map(\.shape) }
  }

  /// Bytes of memory that one layer's sums take, with an entry on its way into the file.
  package var layerBytes: Int {
    let bytes = (0..<c.layerCount).map { layer in
      let sizes = inputs(layer: layer).map { experts(of: $0) * (columns(of: $0, layer: layer) + 1) }
      return 8 * sizes.reduce(0, +) + 4 * (sizes.max() ?? 0)
    }
    return bytes.max() ?? 0
  }

  /// Bytes of memory that the whole run needs, beside the layer's: the file's header and places.
  package var headerBytes: Int { 1024 * shapes.count }

  /// The inputs that something of the layer reads.
  func inputs(layer: Int) -> [LayerInput] {
    LayerInput.allCases.filter { !roles(reading: $0, layer: layer).isEmpty }
  }

  /// Channels of an input.
  func columns(of input: LayerInput, layer: Int) -> Int {
    switch input {
    case .attention, .feedForward, .expert: c.hiddenSize
    case .attentionOutput: c.headCount * c.headDimension
    case .unroutedDown: c.isMixture(layer) ? c.sharedExpertWidth ?? 0 : c.denseWidth
    case .expertDown: c.expertWidth
    }
  }

  /// Matrices that read an input each on rows of its own.
  func experts(of input: LayerInput) -> Int {
    switch input {
    case .expert, .expertDown: c.expertCount
    case .attention, .attentionOutput, .feedForward, .unroutedDown: 1
    }
  }

  /// The matrices that read an input.
  private func roles(reading input: LayerInput, layer: Int) -> [TensorRole] {
    let (isMixture, hasShared) = (c.isMixture(layer), c.sharedExpertWidth != nil)
    switch input {
    case .attention: return [.attentionQuery, .attentionKey, .attentionValue]
    case .attentionOutput: return [.attentionOutput]
    case .feedForward:
      guard isMixture else { return [.mlpGate, .mlpUp] }
      let shared: [TensorRole] = hasShared ? [.sharedGate, .sharedUp] : []
      return [.router] + shared + (hasShared && c.hasSharedExpertGate ? [.sharedExpertGate] : [])
    case .unroutedDown: return isMixture ? (hasShared ? [.sharedDown] : []) : [.mlpDown]
    case .expert: return isMixture ? [.expertGate, .expertUp] : []
    case .expertDown: return isMixture ? [.expertDown] : []
    }
  }
}
