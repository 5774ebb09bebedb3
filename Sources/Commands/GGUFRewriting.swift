internal import Conversion
internal import GGUF
internal import JSON
internal import Storage
internal import SystemPackage

/// What edit, split and merge do once they know what is to be written: check the outputs and the
/// disk, copy, report.
struct GGUFRewriting {
  /// The command's name, for the line of progress.
  let command: String
  let destination: OutputOptions
  let common: CommonOptions
  let isDryRun: Bool
  let start = ProgressLine.now

  /// Writes `source` with these keys into files within these limits.
  ///
  /// - Throws: `GGUFError`, `ConversionError` or `StorageError`; nothing is written then.
  func run(
    _ source: GGUFCollection,
    metadata: GGUFMetadata? = nil,
    limits: GGUFShardPlan.Limits = GGUFShardPlan.Limits(),
    changes: [GGUFMetadataChange] = []
  ) throws {
    let copy = try GGUFCopy(
      of: source,
      to: FilePath(destination.output),
      metadata: metadata,
      limits: limits
    )
    try OutputOptions.check(
      files: copy.files,
      force: common.force,
      inputs: source.files.map(\.path)
    )
    try common.requireWorkDirectory()
    if isDryRun {
      return show(copy, changes, estimate: copy.estimatedPeakMemory(threads: common.threads))
    }
    try DiskSpace.check([
      DiskSpace.Need(
        FileSystem.folder(of: FilePath(destination.output)),
        exactly: copy.plan.byteCount
      )
    ])
    let line = ProgressLine(command, total: copy.sourceByteCount, unit: .bytes)
    try copy.run(threads: common.threads) { line.advance($0) }
    line.finish()
    show(copy, changes, estimate: nil)
  }

  private func show(_ copy: GGUFCopy, _ changes: [GGUFMetadataChange], estimate: Int?) {
    guard common.json else {
      for change in changes { Console.print(change.text) }
      let more = copy.files.count - 1
      Console.print(
        SafeText.shown(copy.files[0].string) + (more > 0 ? " and \(more) more" : "")
          + ": \(copy.source.tensors.count) tensors, \(SafeText.bytes(copy.plan.byteCount))"
          + (estimate == nil ? " written" : " to be written")
      )
      if let estimate { Console.print("estimated peak memory: \(SafeText.bytes(estimate))") }
      return
    }
    var json = JSONObject()
    json["output"] = .string(destination.output)
    json["files"] = .array(copy.files.map { .string($0.string) })
    json["tensors"] = JSONValue(copy.source.tensors.count)
    json["bytes"] = JSONValue(copy.plan.byteCount)
    json["changes"] = .array(changes.map(\.json))
    json["peakMemory"] = JSONValue(ProcessMemory.peakResidentBytes)
    json["seconds"] = JSONValue(ProgressLine.now - start)
    if let estimate { json["estimatedPeakMemory"] = JSONValue(estimate) }
    Console.print(.object(json))
  }
}
