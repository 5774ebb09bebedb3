/// How many experts each layer loses: MoE-I²'s layer importance (arXiv 2411.01016, Layer Importance
/// Analysis) turned into counts whose total is the uniform one's.
package struct PruningCounts: Sendable {
  /// What is known of a layer.
  package struct Layer: Sendable, Equatable {
    /// Number of experts, E.
    package var experts: Int
    /// Most it may lose: E - k, or what is not protected if that is fewer.
    package var most: Int
    /// Whether it has more experts than a token uses; a layer that has not is left alone.
    package var isPrunable: Bool
    /// Sum of its leave-one-out errors, I.
    package var importance: Double

    /// Describes a layer.
    package init(experts: Int, topK: Int, protected: Int = 0, importance: Double) {
      self.experts = experts
      isPrunable = experts > topK
      most = max(0, min(experts - topK, experts - protected))
      self.importance = importance
    }
  }

  /// Experts lost by each layer if all lose the same share: round-half-to-even(ratio E), 0 for a
  /// layer with no more experts than top-k.
  package static func uniform(_ layers: [Layer], ratio: Double) -> [Int] {
    layers.map {
      $0.isPrunable ? Int((ratio * Double($0.experts)).rounded(.toNearestOrEven)) : 0
    }
  }

  /// How many experts each of `layers` loses.
  ///
  /// With total = the sum of the uniform counts, I a layer's importance and E its experts:
  /// `inverse` shares it in proportion to 1 / (I + 1e-12), which the paper leaves open and its
  /// reimplementation MoE-Compressors does; `bounded` takes (ratio - (t - mean t)) E with
  /// t = (I - min I) / (max I - min I + 1e-12) 2 lambda, the map of OWL (arXiv 2310.05175) with I
  /// in place of its outlier ratio. Shares are floored and clamped to 0 … most; what is missing
  /// goes one by one to layers by largest fractional part (ties: lower layer), round after round;
  /// what is too much is taken in the reverse order.
  ///
  /// - Throws: ``PlanError/pruneTooMuch(ratio:largest:)`` if layers cannot lose so many.
  package static func counts(
    _ layers: [Layer],
    ratio: Double,
    allocation: MethodOptions.Allocation,
    lambda: Double
  ) throws -> [Int] {
    let even = uniform(layers, ratio: ratio)
    let total = even.reduce(0, +)
    let room = layers.reduce(0) { $0 + $1.most }
    let experts = layers.reduce(0) { $0 + ($1.isPrunable ? $1.experts : 0) }
    let isTooMuch =
      allocation == .uniform ? zip(even, layers).contains { $0 > $1.most } : total > room
    if isTooMuch {
      let largest =
        allocation == .uniform
        ? layers.filter(\.isPrunable).map { Double($0.most) / Double($0.experts) }.min() ?? 0
        : Double(room) / Double(max(experts, 1))
      throw PlanError.pruneTooMuch(ratio: ratio, largest: (largest * 10000).rounded(.down) / 10000)
    }
    let active = layers.indices.filter { layers[$0].most > 0 }
    guard !active.isEmpty else { return even }
    var raw = [Double](repeating: 0, count: layers.count)
    switch allocation {
    case .uniform: return even
    case .inverse:
      let weights = active.map { 1 / (layers[$0].importance + 1e-12) }
      let sum = weights.reduce(0, +)
      for (weight, layer) in zip(weights, active) { raw[layer] = Double(total) * weight / sum }
    case .bounded:
      let importances = active.map { layers[$0].importance }
      let least = importances.min() ?? 0
      let span = (importances.max() ?? 0) - least + 1e-12
      let shifts = importances.map { ($0 - least) / span * 2 * lambda }
      let mean = shifts.reduce(0, +) / Double(shifts.count)
      for (shift, layer) in zip(shifts, active) {
        raw[layer] = (ratio - (shift - mean)) * Double(layers[layer].experts)
      }
    }
    return settle(raw, layers, active: active, total: total)
  }

  /// The most experts one layer could lose under these options, whatever is measured.
  ///
  /// - Parameters:
  ///   - experts: E.
  ///   - topK: k.
  ///   - options: `prune`, `allocation`, `lambda` and `protected` are looked at.
  /// - Returns: A bound from 0 to E - k.
  package static func most(experts: Int, topK: Int, options: MethodOptions) -> Int {
    let cap = max(0, experts - topK)
    let even = Int((options.prune * Double(experts)).rounded(.toNearestOrEven))
    guard cap > 0, even > 0 else { return 0 }
    switch options.allocation {
    case .uniform: return min(cap, even)
    case .inverse: return cap
    case .bounded:
      // What protected layers cannot give falls to the others, without a bound of its own.
      if !options.protected.isEmpty { return cap }
      // A share is at most ratio + 2 lambda, and no layer gains more than one by rounding unless
      // another is full, where the bound is the cap.
      let bound = Int(((options.prune + 2 * options.lambda) * Double(experts)).rounded(.up)) + 1
      return min(cap, bound)
    }
  }

  private static func settle(_ raw: [Double], _ layers: [Layer], active: [Int], total: Int) -> [Int]
  {
    var counts = [Int](repeating: 0, count: layers.count)
    for layer in active {
      counts[layer] = min(max(Int(raw[layer].rounded(.down)), 0), layers[layer].most)
    }
    let order = active.sorted { a, b in
      let (x, y) = (raw[a] - raw[a].rounded(.down), raw[b] - raw[b].rounded(.down))
      return x != y ? x > y : a < b
    }
    var missing = total - counts.reduce(0, +)
    while missing > 0 {
      for layer in order where missing > 0 && counts[layer] < layers[layer].most {
        counts[layer] += 1
        missing -= 1
      }
    }
    while missing < 0 {
      for layer in order.reversed() where missing < 0 && counts[layer] > 0 {
        counts[layer] -= 1
        missing += 1
      }
    }
    return counts
  }
}
