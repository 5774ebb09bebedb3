internal import Checkpoint
internal import GGUF
internal import ImportanceMatrix
internal import Tensors

/// A GGUF file made anew from another: experts taken away, types changed, and what neither concerns
/// copied untouched, blocks and all.
struct GGUFRevision {
  let items: [GGUFExport.Item]
  let metadata: GGUFMetadata

  /// Plans it.
  ///
  /// - Parameters:
  ///   - source: The opened file.
  ///   - contents: What it says.
  ///   - plan: Experts to keep by layer; nil keeps all.
  ///   - leftOut: Tensors that do not come along.
  ///   - options: What to quantise to, and by which importance.
  /// - Throws: As ``GGUFExport``; without a plan every family goes.
  init(
    _ source: Checkpoint,
    _ contents: GGUFContents,
    plan: [Int: [Int]]?,
    leftOut: [FolderInventory.LeftOut],
    _ options: GGUFOptions
  ) throws {
    let (fileType, importance) = (options.fileType, options.importance)
    let selection = try plan.map { try ExpertSelection(source, plan: $0, runtime: "llama.cpp") }
    if selection != nil {
      try source.requireComplete(ignoring: options.isIgnored ?? { _ in false })
    }
    let leftOut = Set(leftOut.map(\.path))
    let c = source.configuration
    let architecture = contents.metadata["general.architecture"]?.string ?? ""
    let present =
      c?.expertCount ?? contents.metadata["\(architecture).expert_count"]?.integer ?? 0
    func count(_ key: String) -> Int? { contents.metadata["\(architecture).\(key)"]?.integer }
    let heads = count("attention.head_count") ?? 1
    let choice = GGUFTypeChoice(
      model: GGUFTypeChoice.Model(
        layers: count("block_count") ?? 0,
        experts: selection?.count ?? present,
        headsPerKeyValueHead: heads / max(1, count("attention.head_count_kv") ?? heads),
        isTied: !contents.source.tensors.contains { $0.name == "output.weight" }
      ),
      fileType: fileType,
      overrides: options.overrides,
      hasImportance: importance != nil
    )
    items = try contents.source.tensors.enumerated().compactMap { index, tensor in
      if leftOut.contains(tensor.name) { return nil }
      let place = source.filePlaces[index]
      let experts = place.layer.flatMap { selection?.kept[$0] }
      let isStack = tensor.shape.count == 3 && tensor.shape[0] == present && present > 0
      if choice.isBeyondReach(tensor) {
        throw ConversionError.notExpressible(
          source: source.location.path,
          reason:
            "tensor '\(tensor.name)' is \(tensor.type.name), which this version copies and does"
            + " not compute with",
          remedy: "leave --type away, or quantise the model's source"
        )
      }
      let (type, unfilled) =
        choice.keeps(tensor)
        ? (tensor.type, nil)
        : choice.choose(name: tensor.name, shape: tensor.shape, source: tensor.type)
      var layout = TensorLayout(name: tensor.name, type: type, shape: tensor.shape)
      let isEncoded = type != tensor.type && type.blockElements > 1
      func weights(expert: Int = 0, of experts: Int = 1) throws -> [Float]? {
        guard isEncoded else { return nil }
        return try importance?.weights(
          for: tensor.name,
          expert: expert,
          of: experts,
          columns: tensor.shape.last ?? 1
        )
      }
      let isPerExpert = place.role == .router || place.role.isExpert
      if let experts, isPerExpert { layout.shape[0] = experts.count }
      let chosen = isPerExpert ? experts : nil
      let parts: [TensorPart]
      if isStack {
        let bytes = tensor.byteCount / present
        let partBytes = try type.byteCount(shape: Array(layout.shape.dropFirst()))
        parts = try (chosen ?? Array(0..<present)).enumerated().map { place, expert in
          TensorPart(
            origin: .bytes(tensor: index, expert * bytes..<(expert + 1) * bytes),
            byteOffset: place * partBytes,
            importance: try weights(expert: expert, of: present)
          )
        }
      } else {
        let all = TensorOrigin.bytes(tensor: index, 0..<tensor.byteCount)
        parts = [
          TensorPart(
            origin: chosen.map { .rows(tensor: index, $0) } ?? all,
            importance: try weights()
          )
        ]
      }
      return GGUFExport.Item(
        layout: layout,
        parts: parts,
        unfilled: unfilled,
        isEncoded: isEncoded
      )
    }
    let types = Dictionary(
      items.map { ($0.layout.name, $0.layout.type) },
      uniquingKeysWith: { a, _ in a }
    )
    try source.requireUnscaledWeights { (types[$0.name] ?? $0.type) != $0.type }
    var metadata = contents.metadata
    if let selection {
      func replace(_ key: String, _ value: Int) {
        metadata["\(architecture).\(key)"] = .uint32(UInt32(value))
      }
      replace("expert_count", selection.count)
      if let used = count("expert_used_count") {
        replace("expert_used_count", min(used, selection.count))
      }
      if let label = metadata["general.size_label"]?.string, label.hasPrefix("\(present)x") {
        let rest = label.dropFirst("\(present)x".count)
        metadata["general.size_label"] = .string("\(selection.count)x\(rest)")
      }
    }
    if let fileType { metadata["general.file_type"] = .uint32(fileType.id) }
    if items.contains(where: { $0.layout.type.blockElements > 1 }) {
      metadata["general.quantization_version"] = .uint32(2)
    }
    self.metadata = metadata
  }
}

extension GGUFTypeChoice {
  /// Whether another type is asked for a tensor of a GGUF file that can have one.
  private func isAsked(_ tensor: TensorDescriptor) -> Bool {
    (fileType != nil || overrides.contains { $0.matches(tensor.name) })
      && GGUFTypeChoice.isQuantised(tensor.name, tensor.shape)
  }

  /// Whether a tensor should get another type and cannot.
  fileprivate func isBeyondReach(_ tensor: TensorDescriptor) -> Bool {
    isAsked(tensor) && !tensor.type.isComputable && tensor.type.blockElements > 1
  }

  /// Whether a tensor of a GGUF file stays as it is whatever is asked for.
  fileprivate func keeps(_ tensor: TensorDescriptor) -> Bool {
    !isAsked(tensor) || !tensor.type.isComputable
  }
}
