import GGUF
import JSON
import Storage
import Tensors
import TestSupport

/// What a file says, in the form that `Fixtures/make_gguf.py` gives what the Python package reads.
enum Description {
  static func of(_ file: GGUFReader) throws -> JSONValue {
    let keys = file.metadata.map { entry -> JSONValue in
      [.string(entry.key), .string(typeText(entry.value)), .string(valueText(entry.value))]
    }
    let tensors = try file.tensors.enumerated().map { index, tensor -> JSONValue in
      [
        .string(tensor.name), .string(tensor.type.name), JSONValue(tensor.shape),
        JSONValue(tensor.fileRange.lowerBound), JSONValue(tensor.byteCount),
        .string(UInt64(CRC32.of(try file.bytes(ofTensor: index))).hexadecimal(digits: 8)),
      ]
    }
    return [
      "version": JSONValue(file.header.version), "alignment": JSONValue(file.header.alignment),
      "keys": .array(keys), "tensors": .array(tensors),
    ]
  }

  /// The first entry in which two descriptions differ; nil if they are equal.
  static func difference(_ got: JSONValue, _ expected: JSONValue) -> String? {
    for part in ["version", "alignment", "keys", "tensors"] {
      guard got[part] != expected[part] else { continue }
      let (ours, theirs) = (got[part]?.array ?? [], expected[part]?.array ?? [])
      let place = zip(ours, theirs).first { $0.0 != $0.1 }
      return "\(part): \(ours.count) and \(theirs.count), "
        + (place.map { "\($0.0.text(pretty: false)), not \($0.1.text(pretty: false))" } ?? "")
    }
    return nil
  }

  private static func typeText(_ value: GGUFValue) -> String {
    value.array.map { "array \($0.elementType)" } ?? "\(value.type)"
  }

  private static func valueText(_ value: GGUFValue) -> String {
    switch value {
    case .float32(let value): UInt64(value.bitPattern).hexadecimal(digits: 8)
    case .float64(let value): value.bitPattern.hexadecimal(digits: 16)
    case .bool(let value): value ? "true" : "false"
    case .string(let value): value
    case .uint64(let value): "\(value)"
    case .array(let array):
      "\(array.count) \(UInt64(CRC32.of(bytes(array))).hexadecimal(digits: 8))"
    default: value.integer.map { "\($0)" } ?? "?"
    }
  }

  /// The bytes of an array's elements, made from the elements one by one.
  private static func bytes(_ array: GGUFArray) -> [UInt8] {
    array.flatMap { element -> [UInt8] in
      switch element {
      case .uint8(let value): .littleEndian(value)
      case .int8(let value): .littleEndian(value)
      case .uint16(let value): .littleEndian(value)
      case .int16(let value): .littleEndian(value)
      case .uint32(let value): .littleEndian(value)
      case .int32(let value): .littleEndian(value)
      case .uint64(let value): .littleEndian(value)
      case .int64(let value): .littleEndian(value)
      case .float32(let value): .littleEndian(value.bitPattern)
      case .float64(let value): .littleEndian(value.bitPattern)
      case .bool(let value): [value ? 1 : 0]
      case .string(let value): .littleEndian(UInt64(value.utf8.count)) + value.utf8
      case .array: []
      }
    }
  }
}

/// The CRC-32 of zlib, by which the oracle names bytes.
enum CRC32 {
  private static let table: [UInt32] = (0..<256).map { byte in
    (0..<8).reduce(UInt32(byte)) { value, _ in
      value & 1 == 1 ? value >> 1 ^ 0xEDB8_8320 : value >> 1
    }
  }

  static func of(_ bytes: [UInt8]) -> UInt32 {
    table.withUnsafeBufferPointer { table in
      ~bytes.reduce(UInt32.max) { table[Int(UInt8(truncatingIfNeeded: $0) ^ $1)] ^ $0 >> 8 }
    }
  }
}
