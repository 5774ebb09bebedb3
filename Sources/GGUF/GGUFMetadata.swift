internal import JSON

/// The keys and values of a GGUF file, in the file's order.
///
/// Keys are compared by bytes.
public struct GGUFMetadata: Sendable {
  private var entries: [(key: String, value: GGUFValue)] = []
  private var places: [UTF8Key: Int] = [:]

  /// No keys.
  public init() {}

  /// Keys with their values; of a key that comes twice the last value counts.
  public init(_ entries: some Sequence<(String, GGUFValue)>) {
    for (key, value) in entries { self[key] = value }
  }

  /// The value of `key`; nil where there is none, and setting nil removes the key.
  ///
  /// A new key goes to the end, one that is there keeps its place.
  public subscript(key: String) -> GGUFValue? {
    get { places[UTF8Key(key)].map { entries[$0].value } }
    set {
      switch (places[UTF8Key(key)], newValue) {
      case (let place?, let value?): entries[place].value = value
      case (nil, let value?): append(key, value)
      case (let place?, nil):
        entries.remove(at: place)
        places = [:]
        for (place, entry) in entries.enumerated() { places[UTF8Key(entry.key)] = place }
      case (nil, nil): break
      }
    }
  }

  /// Adds a key behind the others; false if it is there already.
  @discardableResult
  mutating func append(_ key: String, _ value: GGUFValue) -> Bool {
    let name = UTF8Key(key)
    guard places[name] == nil else { return false }
    places[name] = entries.count
    entries.append((key, value))
    return true
  }
}

extension GGUFMetadata: RandomAccessCollection {
  /// The place of the first entry.
  public var startIndex: Int { 0 }
  /// The place behind the last entry.
  public var endIndex: Int { entries.count }
  /// The entry at `place`.
  public subscript(place: Int) -> (key: String, value: GGUFValue) { entries[place] }
}

extension GGUFMetadata: Equatable {
  /// Whether both have the same keys in the same order with the same values.
  public static func == (a: GGUFMetadata, b: GGUFMetadata) -> Bool {
    a.elementsEqual(b) { $0.key.utf8.elementsEqual($1.key.utf8) && $0.value == $1.value }
  }
}

/// Keys that mean something to the format itself.
enum GGUFKey {
  static let alignment = "general.alignment"
  static let architecture = "general.architecture"
  static let splitNumber = "split.no"
  static let splitCount = "split.count"
  static let splitTensorCount = "split.tensors.count"
  static let split = [splitNumber, splitCount, splitTensorCount]
  /// What every split may say for itself.
  static let ownOfSplits = split + [architecture, alignment]
}
