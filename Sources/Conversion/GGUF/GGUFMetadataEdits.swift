public import GGUF
internal import JSON
public import SystemPackage

/// What is to change in the metadata of a GGUF model; every key is named once.
///
/// What can be refused without a file is refused when a change is added, the rest when all are
/// applied.
public struct GGUFMetadataEdits: Sendable {
  /// What a key is to be.
  private enum Edit {
    case set(GGUFTypeName?, text: String)
    case setValue(GGUFValue)
    case remove
    case rename(to: String)
  }

  /// Keys whose value means something to the format itself.
  private enum Guarded {
    static let alignment = "general.alignment"
    static let architecture = "general.architecture"
  }

  private var edits: [(key: String, edit: Edit)] = []
  /// Every key named so far, new names too.
  private var named: [String] = []

  /// No changes.
  public init() {}

  /// Whether nothing is to change.
  public var isEmpty: Bool { edits.isEmpty }

  // MARK: - Adding

  /// Adds a value that is typed.
  ///
  /// - Parameters:
  ///   - key: The key, new or not.
  ///   - text: The value, as ``GGUFTypeName`` reads it.
  ///   - type: Its type; nil for the type that the key's value has in the file.
  /// - Throws: ``GGUFEditError`` if the key may not be set or was named before, or the text is no
  ///   value of `type`.
  public mutating func set(_ key: String, to text: String, type: GGUFTypeName? = nil)
    throws(GGUFEditError)
  {
    try refuseSplits(key, "set")
    // A key that each file may have or not, and that has one type wherever it is.
    let type = type ?? (key == Guarded.alignment ? GGUFTypeName("u32") : nil)
    if let type {
      try GGUFMetadataEdits.check(key, try GGUFMetadataEdits.read(text, type, key, nil))
    }
    try add(key, .set(type, text: text))
  }

  /// Adds a value that is known.
  ///
  /// - Throws: ``GGUFEditError`` if the key may not be set or was named before.
  public mutating func set(_ key: String, to value: GGUFValue) throws(GGUFEditError) {
    try refuseSplits(key, "set")
    try GGUFMetadataEdits.check(key, value)
    try add(key, .setValue(value))
  }

  /// Adds the removal of a key.
  ///
  /// - Throws: ``GGUFEditError`` if the key may not be removed or was named before.
  public mutating func remove(_ key: String) throws(GGUFEditError) {
    try refuseSplits(key, "removed")
    if key == Guarded.architecture {
      throw .guarded(key: key, reason: "cannot be removed: without it no program reads the model")
    }
    try add(key, .remove)
  }

  /// Adds the renaming of a key, which keeps its place and its value.
  ///
  /// - Throws: ``GGUFEditError`` if one of the keys may not be renamed or was named before.
  public mutating func rename(_ key: String, to name: String) throws(GGUFEditError) {
    for key in [key, name] {
      try refuseSplits(key, "renamed")
      if key == Guarded.architecture || key == Guarded.alignment {
        throw .guarded(key: key, reason: "cannot be renamed, nor another key to it; set its value")
      }
    }
    try add(key, .rename(to: name))
    try note(name)
  }

  private mutating func add(_ key: String, _ edit: Edit) throws(GGUFEditError) {
    try note(key)
    edits.append((key, edit))
  }

  private mutating func note(_ key: String) throws(GGUFEditError) {
    guard !named.contains(where: { $0.utf8.elementsEqual(key.utf8) }) else {
      throw .keyTwice(key: key)
    }
    if key.isEmpty { throw .guarded(key: key, reason: "is empty; a key has a name") }
    named.append(key)
  }

  private func refuseSplits(_ key: String, _ what: String) throws(GGUFEditError) {
    guard key.hasPrefix("split.") else { return }
    throw .guarded(
      key: key,
      reason: "cannot be \(what): it says how the files are split, and is written anew with them;"
        + " 'moepack split' and 'moepack merge' change it"
    )
  }

  /// Refuses values that would spoil the file itself.
  private static func check(_ key: String, _ value: GGUFValue) throws(GGUFEditError) {
    switch key {
    case Guarded.alignment:
      guard case .uint32(let number) = value, (8...1 << 20).contains(number),
        number.nonzeroBitCount == 1
      else {
        throw .guarded(
          key: key,
          reason: "must be a u32 that is a power of two from 8 to \(1 << 20)"
        )
      }
    case Guarded.architecture:
      guard let name = value.string, !name.isEmpty else {
        throw .guarded(key: key, reason: "must be a str, the name of an architecture")
      }
    default: break
    }
  }

  private static func read(_ text: String, _ type: GGUFTypeName, _ key: String, _ file: FilePath?)
    throws(GGUFEditError) -> GGUFValue
  {
    do { return try type.value(of: text) } catch {
      throw .unreadableValue(file: file, key: key, type: "\(type)", reason: error.reason)
    }
  }

  // MARK: - Applying

  /// Makes all changes. A value keeps its key's place, a new key goes to the end.
  ///
  /// - Parameters:
  ///   - metadata: The keys of a model.
  ///   - file: Where they were read, for errors.
  /// - Returns: The keys as they will be, and what changed, in the order the changes were added.
  /// - Throws: ``GGUFEditError`` if a key is not there, or a new one is, or a value does not fit.
  public func apply(to metadata: GGUFMetadata, of file: FilePath) throws(GGUFEditError)
    -> (metadata: GGUFMetadata, changes: [GGUFMetadataChange])
  {
    var result = metadata
    var changes: [GGUFMetadataChange] = []
    var names: [UTF8Key: String] = [:]
    for (key, edit) in edits {
      let old = metadata[key]
      let change: GGUFMetadataChange.Kind
      switch edit {
      case .set(let type, let text):
        guard let type = type ?? old.map({ GGUFTypeName(of: $0) }) else {
          throw .typeNeeded(file: file, key: key, near: metadata.keys(near: key))
        }
        let value = try GGUFMetadataEdits.read(text, type, key, file)
        try GGUFMetadataEdits.check(key, value)
        result[key] = value
        change = .set(from: old, to: value)
      case .setValue(let value):
        result[key] = value
        change = .set(from: old, to: value)
      case .remove:
        guard let old else {
          throw .missingKey(file: file, key: key, near: metadata.keys(near: key))
        }
        result[key] = nil
        change = .removed(old)
      case .rename(let name):
        guard old != nil else {
          throw .missingKey(file: file, key: key, near: metadata.keys(near: key))
        }
        guard metadata[name] == nil else { throw .keyExists(file: file, key: name, old: key) }
        names[UTF8Key(key)] = name
        change = .renamed(to: name)
      }
      changes.append(GGUFMetadataChange(key: key, kind: change))
    }
    guard !names.isEmpty else { return (result, changes) }
    return (GGUFMetadata(result.map { (names[UTF8Key($0.key)] ?? $0.key, $0.value) }), changes)
  }
}
