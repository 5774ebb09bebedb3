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
  ///   - options: What to quantise to, and by which importance.
  /// - Throws: As ``GGUFExport``; without a plan every family goes.
  init(
    _ source: Checkpoint,
    _ contents: GGUFContents,
    plan: [Int: [Int]]?,
    _ options: GGUFOptions
  ) throws {
    let (fileType, importance) = (options.fileType, options.importance)
    let selection = try plan.map { try ExpertSelection(source, plan: $0, runtime: "llama.cpp") }
    if selection != nil {
      try source.requireComplete(ignoring: options.isIgnored ?? { _ in false })
    }
    let leftOut = Set(try options.leftOut(of: source).map(\.path))
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
      let (type, unfilled) =
        choice.keeps(tensor)
        ? (tensor.type, nil)
        : choice.choose(name: tensor.name, shape: tensor.shape, source: tensor.type)
      var layout = TensorLayout(name: tensor.name, type: type, shape: tensor.shape)
      if choice.isBeyondReach(tensor) {
        throw ConversionError.notExpressible(
          source: source.location.path,
          reason:
            "tensor '\(tensor.name)' is \(tensor.type.name), which this version copies and does"
            + " not compute with",
          remedy: "leave --type away, or quantise the model's source"
        )
      }
      let isPerExpert = place.role == .router || place.role.isExpert
      if let experts, isPerExpert { layout.shape[0] = experts.count }
      let chosen = isPerExpert ? experts : nil
      var parts: [TensorPart] = []
      if isStack {
        let numbers = chosen ?? Array(0..<present)
        let bytes = tensor.byteCount / present
        let partBytes = try layout.type.byteCount(shape: Array(layout.shape.dropFirst()))
        for (place, expert) in numbers.enumerated() {
          var part = TensorPart(
            origin: .bytes(tensor: index, expert * bytes..<(expert + 1) * bytes),
            byteOffset: place * partBytes
          )
          if layout.type != tensor.type, layout.type.blockElements > 1 {
            part.importance = try importance?.weights(
              for: tensor.name,
              expert: expert,
              of: present,
              columns: tensor.shape[2]
            )
          }
          parts.append(part)
        }
      } else {
        var part = TensorPart(origin: .bytes(tensor: index, 0..<tensor.byteCount))
        if let chosen { part.origin = .rows(tensor: index, chosen) }
        if layout.type != tensor.type, layout.type.blockElements > 1 {
          part.importance = try importance?.weights(
            for: tensor.name,
            columns: tensor.shape.last ?? 1
          )
        }
        parts = [part]
      }
      return GGUFExport.Item(
        layout: layout,
        parts: parts,
        unfilled: unfilled,
        isEncoded: layout.type != tensor.type && layout.type.blockElements > 1
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
  /// Whether a tensor should get another type and cannot.
  fileprivate func isBeyondReach(_ tensor: TensorDescriptor) -> Bool {
    let isAsked = fileType != nil || overrides.contains { $0.matches(tensor.name) }
    return isAsked && !tensor.type.isComputable && tensor.type.blockElements > 1
      && GGUFTypeChoice.isQuantised(tensor.name, tensor.shape)
  }

  /// Whether a tensor of a GGUF file stays as it is whatever is asked for.
  fileprivate func keeps(_ tensor: TensorDescriptor) -> Bool {
    let isAsked = fileType != nil || overrides.contains { $0.matches(tensor.name) }
    return !isAsked || !tensor.type.isComputable
      || !GGUFTypeChoice.isQuantised(tensor.name, tensor.shape)
  }
}
