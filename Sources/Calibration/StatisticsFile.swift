internal import JSON
internal import Safetensors
internal import Storage
package import SystemPackage
internal import Tensors

/// A reason a statistics file cannot be used.
package enum StatisticsError: Error, Equatable, CustomStringConvertible {
  /// It is not a statistics file, or lacks something.
  case malformed(file: FilePath, reason: String)
  /// It was made from another model, text or option.
  case mismatch(file: FilePath, key: String, expected: String, got: String)

  /// What is wrong and what helps.
  package var description: String {
    switch self {
    case .malformed(let file, let reason): "\(file): \(reason); make it again with calibrate"
    case .mismatch(let file, let key, let expected, let got):
      "\(file): was made with another \(key) (\(got), here \(expected)); give the same or calibrate again"
    }
  }
}

/// Measurements of the original model's layers in one safetensors file; Formats/statistics.md.
package enum StatisticsLayout {
  static let sums = [
    "count", "gate_sum", "norm_sum", "norm_square_sum", "gate_norm_sum", "leave_one_out",
  ]

  /// Bytes of a file for `layers` layers of `experts` experts, its header aside.
  package static func byteCount(layers: Int, experts: Int, plan: SamplePlan) -> Int {
    let sample = plan.candidates * (plan.candidates + 1) / 2 + experts + plan.candidates
    return layers * (8 * sums.count * experts + plan.positions.count * (4 * sample + 8))
  }

  /// Names of a layer's tensors, those a file may lack among them.
  static func names(_ layer: Int) -> [String] {
    let sample = ["sample.positions", "sample.logits", "sample.candidates", "sample.gram"]
    return (sums + sample).map { name(layer, $0) }
  }

  static func name(_ layer: Int, _ part: String) -> String { "layers.\(layer).\(part)" }

  /// Tensors for each of `layers`.
  static func tensors(layers: [Int], experts: Int, plan: SamplePlan) -> [TensorLayout] {
    let n = plan.positions.count
    let c = plan.candidates
    return layers.flatMap { layer -> [TensorLayout] in
      var list = sums.map { TensorLayout(name: name(layer, $0), type: .f64, shape: [experts]) }
      list.append(TensorLayout(name: name(layer, "sample.positions"), type: .i64, shape: [n]))
      list.append(
        TensorLayout(name: name(layer, "sample.logits"), type: .f32, shape: [n, experts])
      )
      if c != experts {
        list.append(
          TensorLayout(name: name(layer, "sample.candidates"), type: .i32, shape: [n, c])
        )
      }
      list.append(
        TensorLayout(name: name(layer, "sample.gram"), type: .f32, shape: [n, c * (c + 1) / 2])
      )
      return list
    }
  }
}

/// Writes statistics layer by layer, so that no more than one layer's sample is in memory.
package final class StatisticsWriter {
  private let writer: SafetensorsWriter
  private let places: [String: Int]
  private let plan: SamplePlan

  private let path: FilePath

  /// Starts a file.
  ///
  /// - Parameters:
  ///   - path: Where it will be.
  ///   - layers: Layers with experts.
  ///   - experts: Experts in each, E.
  ///   - plan: Positions and experts that are sampled.
  ///   - metadata: Pairs for its header.
  ///   - isResumable: Whether an earlier run's work file is gone on with and the own one kept.
  /// - Throws: `StorageError` if the work file cannot be made.
  package init(
    replacing path: FilePath,
    layers: [Int],
    experts: Int,
    plan: SamplePlan,
    metadata: [(key: String, value: String)],
    isResumable: Bool = false
  ) throws {
    self.path = path
    let tensors = StatisticsLayout.tensors(layers: layers, experts: experts, plan: plan)
    places = Dictionary(uniqueKeysWithValues: zip(tensors.map(\.name), tensors.indices))
    writer = try SafetensorsWriter(
      replacing: path,
      tensors: tensors,
      metadata: metadata,
      isResumable: isResumable
    )
    self.plan = plan
  }

  /// Syncs a layer that was written.
  ///
  /// - Parameter layer: The layer.
  /// - Returns: The checksum of its tensors, for ``check(layer:checksum:)``.
  /// - Throws: `StorageError` if the file cannot be synced or read back.
  package func sync(layer: Int) throws -> UInt64 {
    try writer.sync()
    return try checksum(layer)
  }

  /// Refuses a layer of an earlier run whose tensors are not what `sync(layer:)` saw.
  package func check(layer: Int, checksum expected: UInt64?) throws {
    // A work file that is too short cannot be read back; that is the same loss.
    guard let found = try? checksum(layer), found == expected else {
      throw StorageError.lostWorkFile(path: path)
    }
  }

  private func checksum(_ layer: Int) throws -> UInt64 {
    try writer.checksum(ofTensors: StatisticsLayout.names(layer).compactMap { places[$0] })
  }

  /// Writes the sums and the sample of one layer.
  package func write(layer: Int, _ statistics: ExpertStatistics, _ sample: GramSample) throws {
    let sums = [
      statistics.count, statistics.gateSum, statistics.normSum, statistics.normSquareSum,
      statistics.gateNormSum, statistics.leaveOneOut,
    ]
    for (name, values) in zip(StatisticsLayout.sums, sums) { try put(values, layer, name) }
    try put(plan.positions.map { Int64($0) }, layer, "sample.positions")
    try put(sample.logits, layer, "sample.logits")
    if let candidates = sample.candidateExperts { try put(candidates, layer, "sample.candidates") }
    try put(sample.gram, layer, "sample.gram")
  }

  /// Syncs everything that was written.
  package func sync() throws { try writer.sync() }

  /// Puts the finished file in place.
  package func finish() throws { try writer.finish() }

  private func put<Value: BitwiseCopyable>(_ values: [Value], _ layer: Int, _ part: String) throws {
    guard let tensor = places[StatisticsLayout.name(layer, part)] else { return }
    try values.withUnsafeBytes { try writer.write($0, tensor: tensor, at: 0) }
  }
}

/// Reads statistics layer by layer.
package final class StatisticsReader {
  /// Where the file is.
  package let path: FilePath
  private let reader: SafetensorsReader
  private let places: [String: Int]

  /// Opens a file and reads its header.
  package init(_ path: FilePath) throws {
    self.path = path
    reader = try SafetensorsReader(path)
    places = Dictionary(
      reader.tensors.enumerated().map { ($1.name, $0) },
      uniquingKeysWith: { first, _ in first }
    )
  }

  /// The value of a metadata key, or nil.
  package func metadata(_ key: String) -> String? {
    reader.header.metadata.first { $0.key == key }?.value
  }

  /// Refuses a file whose metadata say otherwise than `expected`.
  package func check(_ expected: [(key: String, value: String)]) throws {
    for (key, value) in expected {
      guard let got = metadata(key) else {
        throw StatisticsError.malformed(file: path, reason: "has no '\(key)' in its metadata")
      }
      guard got == value else {
        throw StatisticsError.mismatch(file: path, key: key, expected: value, got: got)
      }
    }
  }

  /// The sums of a layer, one number per expert.
  package func statistics(layer: Int, experts: Int) throws -> ExpertStatistics {
    var result = ExpertStatistics(experts: experts)
    func sums(_ name: String) throws -> [Double] {
      let values: [Double] = try values(layer, name, .f64, shape: [experts])
      guard values.allSatisfy({ $0.isFinite && $0 >= 0 }) else {
        throw StatisticsError.malformed(
          file: path,
          reason: "\(StatisticsLayout.name(layer, name)) holds an impossible number"
        )
      }
      return values
    }
    result.count = try sums("count")
    result.gateSum = try sums("gate_sum")
    result.normSum = try sums("norm_sum")
    result.normSquareSum = try sums("norm_square_sum")
    result.gateNormSum = try sums("gate_norm_sum")
    result.leaveOneOut = try sums("leave_one_out")
    return result
  }

  /// The checksum of a layer's tensors, as the writer's.
  package func checksum(layer: Int) throws -> UInt64 {
    var checksum = Checksum()
    for index in StatisticsLayout.names(layer).compactMap({ places[$0] }) {
      try reader.bytes(ofTensor: index).withUnsafeBytes { checksum.update($0) }
    }
    return checksum.value
  }

  /// The sample of a layer.
  package func sample(layer: Int, experts: Int) throws -> GramSample {
    let n = try shape(layer, "sample.positions").first ?? 0
    let triangle = try shape(layer, "sample.gram").last ?? 0
    // C(C+1)/2 = triangle.
    let c = Int(((8 * Double(triangle) + 1).squareRoot() - 1) / 2 + 0.5)
    guard c > 0, c <= experts, c * (c + 1) / 2 == triangle else {
      throw StatisticsError.malformed(
        file: path,
        reason: "layer \(layer): a sample of another shape"
      )
    }
    let candidates: [Int32]? =
      c == experts ? nil : try values(layer, "sample.candidates", .i32, shape: [n, c])
    if let candidates {
      let isSound = stride(from: 0, to: candidates.count, by: c).allSatisfy { start in
        let own = candidates[start..<start + c]
        return own.allSatisfy { $0 >= 0 && $0 < experts } && Set(own).count == c
      }
      guard isSound else {
        throw StatisticsError.malformed(
          file: path,
          reason: "layer \(layer): candidates that are no experts, or one twice"
        )
      }
    }
    return GramSample(
      tokenCount: n,
      experts: experts,
      candidates: c,
      logits: try finite(layer, "sample.logits", shape: [n, experts]),
      candidateExperts: candidates,
      gram: try finite(layer, "sample.gram", shape: [n, triangle])
    )
  }

  private func finite(_ layer: Int, _ part: String, shape: [Int]) throws -> [Float] {
    let values: [Float] = try values(layer, part, .f32, shape: shape)
    guard values.allSatisfy(\.isFinite) else {
      throw StatisticsError.malformed(
        file: path,
        reason: "\(StatisticsLayout.name(layer, part)) holds a value that is not a finite number"
      )
    }
    return values
  }

  private func index(_ layer: Int, _ part: String) throws -> Int {
    let name = StatisticsLayout.name(layer, part)
    guard let index = places[name] else {
      throw StatisticsError.malformed(file: path, reason: "has no tensor '\(name)'")
    }
    return index
  }

  private func shape(_ layer: Int, _ part: String) throws -> [Int] {
    reader.tensors[try index(layer, part)].shape
  }

  private func values<Value: BitwiseCopyable>(
    _ layer: Int,
    _ part: String,
    _ type: ElementType,
    shape: [Int]
  ) throws -> [Value] {
    let index = try index(layer, part)
    let tensor = reader.tensors[index]
    guard tensor.type == type, tensor.shape == shape else {
      throw StatisticsError.malformed(
        file: path,
        reason:
          "'\(tensor.name)' is \(tensor.type.name) \(tensor.shape), expected \(type.name) \(shape)"
      )
    }
    let count = tensor.byteCount / MemoryLayout<Value>.stride
    return try [Value](unsafeUninitializedCapacity: count) { buffer, initialized in
      try reader.read(
        tensor: index,
        bytes: 0..<tensor.byteCount,
        into: UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(rebasing: buffer[..<count]))
      )
      initialized = count
    }
  }
}
