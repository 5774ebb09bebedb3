internal import Tensors

/// Counts over a model's descriptors: parameters and bytes, in all and by role.
public struct ModelSummary: Sendable {
  /// All parameters, embeddings counted; for factors the numbers stored.
  public let totalParameters: Int
  /// Parameters of routed experts, nil if the family is unknown.
  public let expertParameters: Int?
  /// Parameters one token meets: total less the experts it is not sent to.
  public let activeParameters: Int?
  /// Bytes of all tensors, decoded.
  public let totalBytes: Int
  /// Bytes of routed experts.
  public let expertBytes: Int?
  /// Bytes by role label, largest first.
  public let bytesByRole: [(role: String, bytes: Int)]

  /// Counts `checkpoint`.
  public init(_ checkpoint: Checkpoint) {
    var total = 0
    var bytes = 0
    var perLayer: [Int: Int] = [:]
    var expertBytes = 0
    var byRole: [String: Int] = [:]
    for (tensor, place) in zip(checkpoint.tensors, checkpoint.places) {
      // Shapes of unknown types are bound by nothing, so their sum may not fit.
      let (sum, overflow) = total.addingReportingOverflow(tensor.elementCount)
      total = overflow ? .max : sum
      bytes += tensor.byteCount
      byRole[place.role.label, default: 0] += tensor.byteCount
      if place.role.isExpert, let layer = place.layer {
        let (sum, overflow) = perLayer[layer, default: 0].addingReportingOverflow(
          tensor.elementCount
        )
        perLayer[layer] = overflow ? .max : sum
        expertBytes += tensor.byteCount
      }
    }
    totalParameters = total
    totalBytes = bytes
    bytesByRole = byRole.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
      .map { (role: $0.key, bytes: $0.value) }
    guard let configuration = checkpoint.configuration else {
      expertParameters = nil
      activeParameters = nil
      self.expertBytes = nil
      return
    }
    let experts = perLayer.values.reduce(0) {
      let (sum, overflow) = $0.addingReportingOverflow($1)
      return overflow ? .max : sum
    }
    expertParameters = experts
    self.expertBytes = expertBytes
    var idle = 0.0
    for (layer, count) in perLayer {
      let kept = checkpoint.keptExperts[layer]?.count ?? configuration.expertCount
      idle += Double(count) * (1 - Double(min(configuration.topK, kept)) / Double(max(kept, 1)))
    }
    activeParameters = total - (Int(exactly: idle.rounded()) ?? total)
  }
}
