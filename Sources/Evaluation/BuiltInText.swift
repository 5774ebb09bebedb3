internal import CCalibrationText
internal import SystemPackage
internal import Zstandard

extension TextSource {
  /// The text inside the tool: chapters of the King James Bible and files of the Python standard
  /// library, which calibration uses when none is given.
  package static func builtIn() throws -> TextSource {
    let bytes = try builtInBytes()
    return .documents(
      try documents(ofLines: bytes, file: FilePath(builtInName)),
      name: builtInName
    )
  }

  /// What reports call the built-in text.
  package static let builtInName = "built-in text (King James Bible, Python library)"

  /// Its bytes, JSON lines.
  static func builtInBytes() throws -> [UInt8] {
    var count = 0
    let frame = moepack_calibration_text(&count)
    return try decompressed(UnsafeRawBufferPointer(start: frame, count: count), limit: 16 << 20)
  }
}
