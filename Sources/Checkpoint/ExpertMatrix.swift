internal import Pack
public import Tensors

/// Where one matrix of one routed expert is, and in which form.
public struct ExpertMatrix: Sendable, Equatable {
  /// How it is stored.
  public enum Form: Sendable, Equatable {
    /// Rows of a tensor, starting `byteOffset` into it.
    case dense(tensor: Int, byteOffset: Int)
    /// Uᵀ [rank, rows] and V [rank, columns]: W = (Uᵀ)ᵀ V.
    case factors(left: Int, right: Int, rank: Int)
  }

  /// How it is stored.
  public var form: Form
  /// Outputs.
  public var rows: Int
  /// Inputs.
  public var columns: Int
}

extension Checkpoint {
  /// Finds the matrix of an expert, wherever this checkpoint keeps it: on its own, as rows of a
  /// fused tensor, or as factors.
  ///
  /// - Parameters:
  ///   - layer: Index of the decoder layer.
  ///   - expert: The expert's number in the original model.
  ///   - projection: Which of its matrices: `gate` and `up` are [I, H], `down` is [H, I].
  /// - Returns: Where the matrix is; nil if it is missing or, in a pack, of another shape.
  public func expertMatrix(layer: Int, expert: Int, projection: Projection) -> ExpertMatrix? {
    guard let configuration else { return nil }
    let (hidden, width) = (configuration.hiddenSize, configuration.expertWidth)
    let (rows, columns) = projection == .down ? (hidden, width) : (width, hidden)
    if let matrix = packMatrix(layer: layer, expert: expert, projection: projection) {
      guard matrix.rows == rows, matrix.columns == columns else { return nil }
      switch matrix.form {
      case .dense:
        return ExpertMatrix(
          form: .dense(tensor: matrix.parts[0], byteOffset: 0),
          rows: rows,
          columns: columns
        )
      case .factors:
        let rank = tensors[matrix.parts[0]].shape[0]
        return ExpertMatrix(
          form: .factors(left: matrix.parts[0], right: matrix.parts[1], rank: rank),
          rows: rows,
          columns: columns
        )
      }
    }
    let own = TensorPlace(projection.role, layer: layer, expert: expert)
    if let tensor = index(of: own) {
      return ExpertMatrix(form: .dense(tensor: tensor, byteOffset: 0), rows: rows, columns: columns)
    }
    return fusedMatrix(layer: layer, expert: expert, projection: projection, rows, columns)
  }

  /// The expert's rows inside [E, 2I, H] (gate rows first) or [E, H, I].
  private func fusedMatrix(
    layer: Int,
    expert: Int,
    projection: Projection,
    _ rows: Int,
    _ columns: Int
  ) -> ExpertMatrix? {
    let role = projection == .down ? TensorRole.expertDown : .expertGateUp
    guard let tensor = index(of: TensorPlace(role, layer: layer)),
      let rowBytes = try? tensors[tensor].type.byteCount(shape: [columns])
    else { return nil }
    let rowsPerExpert = projection == .down ? rows : 2 * rows
    let firstRow = expert * rowsPerExpert + (projection == .up ? rows : 0)
    return ExpertMatrix(
      form: .dense(tensor: tensor, byteOffset: firstRow * rowBytes),
      rows: rows,
      columns: columns
    )
  }

  /// Whether experts of `layer` are fused into one tensor.
  public func isFused(layer: Int) -> Bool {
    index(of: TensorPlace(.expertGateUp, layer: layer)) != nil
  }

  /// The element type of an expert's matrix as the source stores it.
  public func elementType(of matrix: ExpertMatrix) -> ElementType {
    switch matrix.form {
    case .dense(let tensor, _): tensors[tensor].type
    case .factors(let left, _, _): tensors[left].type
    }
  }
}
