public import JSON
public import Storage
public import SystemPackage

extension PackWriter {
  /// The journal's key for a pack that is whole, in place or only to be renamed.
  public static let placing = "placing"

  /// Writes sections and footer, has the journal vouch for the pack, and puts it in place.
  ///
  /// - Parameters:
  ///   - model: The model section.
  ///   - journal: The run's journal, if it has one.
  ///   - result: What else the journal is to keep of the run.
  /// - Throws: `StorageError` if writing, syncing or renaming fails; then nothing is put in place.
  public func finish(
    model: JSONValue,
    journal: Journal? = nil,
    result: JSONObject = JSONObject()
  ) throws {
    let checksum = try seal(model: model)
    var record = result
    record["bytes"] = JSONValue(byteCount)
    record["checksum"] = .string(String(checksum, radix: 16))
    try journal?.append(PackWriter.placing, .object(record))
    try place()
  }

  /// Puts the pack in place that an earlier run had sealed, unless that run did.
  ///
  /// - Parameters:
  ///   - destination: Where it is to be.
  ///   - journal: The run's journal, if it has one.
  /// - Returns: What the journal kept of the run; nil if no pack was sealed.
  /// - Throws: `StorageError.lostWorkFile` if the pack is not the one that was sealed.
  public static func placed(_ destination: FilePath, _ journal: Journal?) throws -> JSONValue? {
    guard let record = journal?.last(placing) else { return nil }
    let file = try ReplacementFile(resuming: destination)
    let path = file?.workPath ?? destination
    guard FileSystem.byteCount(path) == record["bytes"]?.integer,
      let checksum = try? footerChecksum(path),
      record["checksum"]?.string == String(checksum, radix: 16)
    else { throw StorageError.lostWorkFile(path: path) }
    try file?.place()
    return record
  }

  /// The checksum in the footer of the pack at `path`, which stands for all its tables.
  private static func footerChecksum(_ path: FilePath) throws -> UInt64 {
    let file = try MappedFile(path)
    let end = file.byteCount - PackLayout.magic.count
    return try file.bytes(end - 8..<end).reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }
}
