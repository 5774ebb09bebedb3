extension ImportanceMatrix {
  /// The weights of one matrix's columns that `llama-quantize` would give its encoders: the mean
  /// square of each input channel.
  ///
  /// That is sum / count in Float32; 1 for every channel of an expert that no token reached; in the
  /// legacy form sum / calls, or the sum itself where the number of calls is 0. (llama.cpp,
  /// `tools/quantize/quantize.cpp`, `load_imatrix`.)
  ///
  /// - Parameters:
  ///   - name: The tensor's name in a GGUF model.
  ///   - expert: Which of the tensor's matrices; 0 for a tensor that is one.
  ///   - experts: How many matrices the tensor stacks, E.
  ///   - columns: Input channels of a matrix.
  /// - Returns: [columns], none negative; nil if the tensor has no entry, and then it is quantised
  ///   without weights.
  /// - Throws: ``ImportanceMatrixError/otherSize(file:tensor:expected:got:)`` if the entry is of
  ///   another shape than the tensor, which `llama-quantize` refuses too, `token_embd.weight` excepted;
  ///   ``ImportanceMatrixError/otherCounts(file:tensor:experts:got:)`` if it has neither one count nor
  ///   one for each matrix.
  public func weights(
    for name: String,
    expert: Int = 0,
    of experts: Int = 1,
    columns: Int
  ) throws(ImportanceMatrixError) -> [Float]? {
    precondition(expert >= 0 && expert < experts && columns >= 0)
    guard let entry = self[name] else { return nil }
    guard entry.sums.count == experts * columns else {
      if name == "token_embd.weight" { return nil }
      throw .otherSize(
        file: file,
        tensor: name,
        expected: experts * columns,
        got: entry.sums.count
      )
    }
    guard [1, experts].contains(entry.counts.count) else {
      throw .otherCounts(
        file: file,
        tensor: name,
        experts: experts,
        got: entry.counts.count
      )
    }
    let own = expert * columns..<(expert + 1) * columns
    let part = entry.sumsPerCount
    return own.map { place in
      let count = entry.counts[place / part]
      if count > 0 { return entry.sums[place] / count }
      return form == .legacy ? entry.sums[place] : 1
    }
  }

  /// How many tokens each routed expert of a layer got, [E].
  ///
  /// - Parameter layer: Index of the decoder layer.
  /// - Returns: Counts to the nearest whole number, as `llama-imatrix` reads them; nil if the file has
  ///   none per expert of the layer, or is of the legacy form, which keeps none.
  public func expertCounts(layer: Int) -> [Float]? {
    guard form == .gguf else { return nil }
    for part in ["gate", "up", "gate_up", "down"] {
      if let entry = self["blk.\(layer).ffn_\(part)_exps.weight"], entry.counts.count > 1 {
        return entry.counts.map { $0.rounded() }
      }
    }
    return nil
  }

  /// The share of a layer's routed tokens that each expert got, [E]: counts over their sum, so that
  /// they sum to 1; all 0 where no token was counted.
  ///
  /// - Parameter layer: Index of the decoder layer.
  /// - Returns: nil where ``expertCounts(layer:)`` is.
  public func expertFrequencies(layer: Int) -> [Float]? {
    guard let counts = expertCounts(layer: layer) else { return nil }
    let total = counts.reduce(0.0) { $0 + Double($1) }
    return counts.map { total > 0 ? Float(Double($0) / total) : 0 }
  }
}
