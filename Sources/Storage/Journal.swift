internal import Glibc
public import JSON
public import SystemPackage

/// An append-only record of what a run has finished, believed as far as it is intact;
/// Formats/journal.md.
///
/// A line is synced before `append` returns. The file is locked for as long as the journal is open,
/// so that two runs never work on one output; the lock goes with the process.
public final class Journal {
  /// One line.
  public struct Entry: Equatable, Sendable {
    /// What is recorded.
    public var key: String
    /// The record.
    public var value: JSONValue
  }

  /// Where it is.
  public let path: FilePath
  /// What the run is a run of; nil until `begin`.
  public private(set) var identity: JSONObject?
  /// Whether the file has lines, and the first is none of this version's.
  public private(set) var isForeign = false
  /// The entries that were there when the journal was opened, oldest first.
  public private(set) var found: [Entry] = []

  private let calls = SystemCalls.current
  private let descriptor: Int32
  private var length = 0
  /// Whether bytes that do not count stand behind those that do; cut off before anything is written.
  private var hasTornEnd = false
  private var lastChecksum = ""

  private static let version = 1
  private static let checksumDigits = 16

  /// Opens the journal at `path`, or creates an empty one; what is not intact does not count.
  ///
  /// - Parameter path: The file.
  /// - Throws: ``StorageError/busy(path:process:)`` if another run has it open, ``StorageError`` if it cannot
  ///   be read or created.
  public init(_ path: FilePath) throws(StorageError) {
    self.path = path
    do { descriptor = try calls.open(path, O_RDWR | O_CREAT | O_NOFOLLOW) } catch {
      throw StorageError("create", path, error)
    }
    try WorkLock.take(descriptor, at: path, for: path, calls)
    let text = try FileSystem.contents(of: path, limit: 4 << 30)
    readLines(text)
    isForeign = identity == nil && text.contains(UInt8(ascii: "\n"))
    hasTornEnd = length < text.count
  }

  deinit { try? calls.close(descriptor) }

  /// Cuts off what is behind the last intact line.
  private func cut(_ action: String) throws(StorageError) {
    do { try calls.truncate(descriptor, to: length) } catch {
      throw StorageError(action, path, error)
    }
  }

  // MARK: - Reading

  private func readLines(_ text: [UInt8]) {
    var start = 0
    while let end = text[start...].firstIndex(of: UInt8(ascii: "\n")) {
      guard let value = line(text[start..<end]) else { return }
      if identity == nil {
        guard value["moepackJournal"]?.integer == Journal.version,
          let identity = value["identity"]?.object
        else { return }
        self.identity = identity
      } else {
        guard let key = value["key"]?.string, let value = value["value"] else { return }
        found.append(Entry(key: key, value: value))
      }
      lastChecksum = String(decoding: text[start..<start + Journal.checksumDigits], as: UTF8.self)
      start = end + 1
      length = start
    }
  }

  /// The object in a line, or nil if the line is damaged.
  private func line(_ bytes: ArraySlice<UInt8>) -> JSONValue? {
    guard bytes.count > Journal.checksumDigits + 1,
      bytes[bytes.startIndex + Journal.checksumDigits] == UInt8(ascii: " ")
    else { return nil }
    let digits = String(decoding: bytes.prefix(Journal.checksumDigits), as: UTF8.self)
    let json = Array(bytes.dropFirst(Journal.checksumDigits + 1))
    guard digits == checksum(of: json) else { return nil }
    return try? JSONValue(parsing: json)
  }

  private func checksum(of json: [UInt8]) -> String {
    Checksum.of(Array(lastChecksum.utf8) + json).hexadecimal(digits: Journal.checksumDigits)
  }

  // MARK: - Writing

  /// Writes the first line of an empty journal.
  ///
  /// - Parameter identity: What the run is a run of.
  /// - Throws: ``StorageError`` if writing or syncing fails.
  public func begin(_ identity: JSONObject) throws(StorageError) {
    precondition(self.identity == nil, "a journal has one identity")
    try write(["moepackJournal": JSONValue(Journal.version), "identity": .object(identity)])
    try calls.syncFolder(of: path)
    self.identity = identity
  }

  /// Appends an entry and syncs it; what it vouches for must be synced before.
  ///
  /// - Parameters:
  ///   - key: What is recorded.
  ///   - value: The record.
  /// - Throws: ``StorageError`` if writing or syncing fails; the entry then counts as not made.
  public func append(_ key: String, _ value: JSONValue) throws(StorageError) {
    precondition(identity != nil, "a journal begins with its identity")
    try write(["key": .string(key), "value": value])
  }

  private func write(_ object: JSONValue) throws(StorageError) {
    if hasTornEnd {
      try cut("cut")
      hasTornEnd = false
    }
    let json = Array(object.text(pretty: false).utf8)
    let digits = checksum(of: json)
    let line = Array(digits.utf8) + [UInt8(ascii: " ")] + json + [UInt8(ascii: "\n")]
    do {
      try line.span.bytes.withUnsafeBytes { bytes throws(Errno) in
        try calls.writeAll(descriptor, bytes, at: length)
      }
    } catch {
      // Half a line would hide what is appended after it.
      try? cut("cut")
      throw StorageError("write", path, error)
    }
    do { try calls.syncData(descriptor) } catch { throw StorageError("sync", path, error) }
    length += line.count
    lastChecksum = digits
  }

  /// The newest value of `key` that was found.
  public func last(_ key: String) -> JSONValue? { found.last { $0.key == key }?.value }

  /// All values of `key` that were found, oldest first.
  public func all(_ key: String) -> [JSONValue] { found.filter { $0.key == key }.map(\.value) }

  /// All values of `key` that were found, oldest first; they are given away, for they may be large.
  public func take(_ key: String) -> [JSONValue] {
    let values = all(key)
    found.removeAll { $0.key == key }
    return values
  }

  /// Empties the journal, so that it can begin anew.
  public func clear() throws(StorageError) {
    (identity, found, length, lastChecksum) = (nil, [], 0, "")
    (isForeign, hasTornEnd) = (false, false)
    try cut("empty")
    do { try calls.syncData(descriptor) } catch { throw StorageError("sync", path, error) }
  }

  /// Removes the file; the journal is not to be used afterwards.
  public func remove() { try? calls.unlink(path) }
}
