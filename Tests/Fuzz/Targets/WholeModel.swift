internal import Checkpoint
internal import Conversion
internal import Pack
internal import Storage
internal import SystemPackage
internal import Tensors

/// What every command does with an opened model, whatever it was opened from.
struct WholeModel {
  let checkpoint: Checkpoint
  let scratch: Scratch

  /// Reads all that `inspect` shows.
  func inspect() throws(BrokenProperty) {
    let summary = ModelSummary(checkpoint)
    try require(summary.totalBytes >= 0, "a negative number of bytes")
    for tensor in checkpoint.tensors {
      try require(tensor.byteCount >= 0 && tensor.elementCount >= 0, "\(tensor.name): its size")
    }
    _ = checkpoint.fingerprint
    guard let configuration = checkpoint.configuration else { return }
    for layer in configuration.moeLayers.prefix(8) {
      for expert in (checkpoint.keptExperts[layer] ?? []).prefix(8) {
        for projection in Projection.allCases {
          _ = checkpoint.expertMatrix(layer: layer, expert: expert, projection: projection)
        }
      }
    }
  }

  /// What `verify` reports.
  func problems() -> [Verification.Problem] {
    Verification(path: checkpoint.location.path.string, threads: 1)
      .run(begin: { _ in }, progress: { _ in })
  }

  /// Packs the model and unpacks it again; every file must come back byte for byte.
  ///
  /// - Parameter allowed: Whether this refusal by the packer is right.
  /// - Throws: ``BrokenProperty`` for another refusal, or other bytes.
  func packAndUnpack(
    allowing allowed: (any Error) -> Bool = { _ in false }
  ) throws(BrokenProperty) {
    scratch.remove("again.moepack")
    scratch.remove("again")
    do {
      try convert(checkpoint, to: scratch("again.moepack"), .pack)
    } catch {
      if allowed(error) { return }
      throw BrokenProperty("packing: \(error)")
    }
    let kind: ConversionRequest.Kind
    if case .directory = checkpoint.location { kind = .directory } else { kind = .safetensorsFile }
    try must("unpacking") {
      let again = try Checkpoint(scratch("again.moepack").string)
      try convert(again, to: scratch("again"), kind)
    }
    switch kind {
    case .directory: try compareFolders()
    default:
      let before = try contents(checkpoint.location.path)
      try require(try contents(scratch("again")) == before, "unpacked to other bytes")
    }
  }

  /// Writes the model as plain safetensors, which may be refused for what they cannot say.
  ///
  /// - Parameter type: Element type of the output; nil for the source's.
  /// - Throws: ``BrokenProperty`` for an error that is not ours, or an output that does not open.
  func export(as type: ElementType?) throws(BrokenProperty) {
    scratch.remove("plain")
    do {
      try convert(checkpoint, to: scratch("plain"), .directory, type: type)
    } catch {
      try requireOwn(error, naming: checkpoint.location.path.string)
      return
    }
    // Without a change of type a pack gives back its files, whatever they are called.
    guard type != nil, !checkpoint.tensors.isEmpty else { return }
    _ = try must("what was exported") { try Checkpoint(scratch("plain").string) }
  }

  private func convert(
    _ source: Checkpoint,
    to destination: FilePath,
    _ kind: ConversionRequest.Kind,
    type: ElementType? = nil
  ) throws {
    let request = ConversionRequest(
      source: source,
      destination: destination,
      type: type,
      threads: 1,
      tool: "fuzz"
    )
    _ = try request.job(for: kind).run(progress: { _ in })
  }

  private func compareFolders() throws(BrokenProperty) {
    let names = try must("listing") { try FileSystem.names(in: checkpoint.location.path) }
    let back = try must("listing") { try FileSystem.names(in: scratch("again")) }
    try require(names == back, "other files came back: \(names) \(back)")
    for name in names {
      let before = try contents(checkpoint.location.path.appending(name))
      try require(
        try contents(scratch("again").appending(name)) == before,
        "\(name) came back with other bytes"
      )
    }
  }

  private func contents(_ path: FilePath) throws(BrokenProperty) -> [UInt8] {
    try must("reading") { try FileSystem.contents(of: path) }
  }
}
