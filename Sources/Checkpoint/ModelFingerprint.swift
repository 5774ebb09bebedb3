internal import JSON
internal import Storage
internal import Tensors

extension Checkpoint {
  /// Names the model: a hash of its configuration and one of the names, types and shapes of its
  /// tensors, joined by a dash. No path, no time, no values.
  public var fingerprint: String { "\(configurationFingerprint)-\(shapeFingerprint)" }

  /// The part of ``fingerprint`` that fine-tunes of one model share whatever their configuration.
  public var shapeFingerprint: String {
    Checkpoint.hash(
      tensors.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        .map { "\($0.name) \($0.type.name) \($0.shape)" }
    )
  }

  private var configurationFingerprint: String {
    Checkpoint.hash([configurationJSON?.text(pretty: false) ?? ""])
  }

  private static func hash(_ lines: [String]) -> String {
    var checksum = Checksum()
    for line in lines { Array((line + "\n").utf8).withUnsafeBytes { checksum.update($0) } }
    return checksum.value.hexadecimal(digits: 16)
  }
}
