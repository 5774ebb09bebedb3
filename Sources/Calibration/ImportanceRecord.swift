package import Checkpoint
internal import ImportanceMatrix
package import JSON
internal import Storage
package import SystemPackage

/// The importance matrix that a pass over the calibration text writes, layer by layer.
package final class ImportanceRecord {
  /// Where it goes, and what it says of the text.
  package struct Output: Sendable {
    /// The file.
    package let path: FilePath
    /// The text's name.
    package let dataset: String

    /// An importance matrix at `path`, of the text called `dataset`.
    package init(path: FilePath, dataset: String) {
      self.path = path
      self.dataset = dataset
    }
  }

  private let layout: ImportanceLayout
  private let topK: Int
  private let writer: ImportanceMatrixWriter

  /// Starts the file.
  ///
  /// - Parameters:
  ///   - output: Where it goes.
  ///   - configuration: The model's.
  ///   - windows: Windows of the text.
  ///   - context: Tokens per window.
  ///   - isResumable: Whether an earlier run's work file is gone on with and the own one kept.
  /// - Throws: `StorageError` if the work file cannot be made.
  package init(
    _ output: Output,
    _ configuration: ModelConfiguration,
    windows: Int,
    context: Int,
    isResumable: Bool
  ) throws {
    layout = ImportanceLayout(configuration)
    topK = configuration.topK
    writer = try ImportanceMatrixWriter(
      replacing: output.path,
      datasets: [output.dataset],
      chunkCount: windows,
      chunkSize: context,
      shapes: layout.shapes,
      isResumable: isResumable
    )
  }

  /// Sums for one layer.
  package func layer(_ index: Int, threads: Int) -> LayerImportance {
    LayerImportance(layout, layer: index, topK: topK, threads: threads)
  }

  /// Writes the sums of a layer.
  package func write(_ importance: LayerImportance) throws {
    for entry in layout.entries(layer: importance.layer) {
      let (sums, counts) = importance.values(of: entry.input)
      try writer.write(entry.shape.name, sums: sums, counts: counts)
    }
  }

  /// Syncs a layer that was written, and gives what a journal is to note of it.
  package func sync(layer: Int) throws -> JSONValue {
    try writer.sync()
    return ImportanceRecord.note(
      try layout.entries(layer: layer).map { try writer.checksums(of: $0.shape.name) }
    )
  }

  /// Takes a layer for written which an earlier run wrote; refuses other bytes than it noted.
  package func confirm(layer: Int, note: JSONValue?) throws {
    let noted = (note?.array ?? []).map { ($0.array ?? []).compactMap(ImportanceRecord.checksum) }
    for (number, entry) in layout.entries(layer: layer).enumerated() {
      // A note without checksums vouches for nothing.
      let checksums = number < noted.count && noted[number].count == 2 ? noted[number] : [0, 0]
      try writer.confirm(entry.shape.name, checksums: checksums)
    }
  }

  /// Syncs everything that was written.
  package func sync() throws { try writer.sync() }

  /// Puts the finished file in place.
  package func finish() throws { try writer.finish() }

  /// Refuses a file that is not the one whose layers were noted.
  package static func check(
    _ path: FilePath,
    _ configuration: ModelConfiguration,
    notes: [JSONValue?]
  ) throws {
    let layout = ImportanceLayout(configuration)
    guard let matrix = try? ImportanceMatrix(reading: path),
      notes.count == configuration.layerCount
    else { throw StorageError.lostWorkFile(path: path) }
    for (layer, noted) in notes.enumerated() {
      let found = layout.entries(layer: layer).map { matrix[$0.shape.name]?.checksums ?? [] }
      guard note(found) == noted else { throw StorageError.lostWorkFile(path: path) }
    }
  }

  private static func note(_ checksums: [[UInt64]]) -> JSONValue {
    .array(checksums.map { .array($0.map { .string(String($0, radix: 16)) }) })
  }

  private static func checksum(_ note: JSONValue) -> UInt64? {
    note.string.flatMap { UInt64($0, radix: 16) }
  }
}
