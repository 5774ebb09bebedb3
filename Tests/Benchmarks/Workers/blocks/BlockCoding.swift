import Glibc
import LinearAlgebra
import Safetensors
import SystemPackage
import Tensors
import Worker

/// Rows of weights in memory, with the blocks that were made of them.
struct BlockCoding {
  let rows: Int
  let columns: Int
  private let weights: [Float]
  /// How much an error counts in each column.
  private let importance: [Float]
  private var stored: [ElementType: [UInt8]] = [:]
  private var decoded: [Float]

  init(_ path: FilePath, tensor: String, rows: Int) throws {
    let reader = try SafetensorsReader(path)
    guard let index = reader.tensors.firstIndex(where: { $0.name == tensor }) else {
      fail("\(path): no tensor '\(tensor)'")
    }
    let descriptor = reader.tensors[index]
    columns = descriptor.shape[1]
    self.rows = min(rows, descriptor.shape[0])
    let count = self.rows * columns
    var bytes = [UInt8](repeating: 0, count: try descriptor.type.byteCount(shape: [count]))
    try bytes.withUnsafeMutableBytes {
      try reader.read(tensor: index, bytes: 0..<$0.count, into: $0)
    }
    var weights = [Float](repeating: 0, count: count)
    try bytes.withUnsafeBytes { bytes in
      try weights.withUnsafeMutableBufferPointer { try descriptor.type.widen(bytes, into: $0) }
    }
    self.weights = weights
    decoded = weights
    // Mean squares of inputs whose channels differ in size.
    var generator = SeededGenerator(seed: 1)
    importance = (0..<columns).map { _ in Float(exp(generator.nextGaussianPair().0)) }
  }

  /// Writes the weights and the importance for the peer.
  func save(_ path: FilePath) throws {
    let file = try FileDescriptor.open(
      path,
      .writeOnly,
      options: [.create, .truncate],
      permissions: [.ownerReadWrite]
    )
    try file.closeAfter {
      for part in [weights, importance] { _ = try part.withUnsafeBytes { try file.writeAll($0) } }
    }
  }

  /// Encodes all rows.
  ///
  /// - Returns: Seconds, and the squared error.
  mutating func encode(_ type: ElementType, isWeighted: Bool) throws -> [String: Double] {
    let (weights, importance) = (weights, importance)
    let byteCount = try type.byteCount(shape: [weights.count])
    let seconds = try stored[type, default: [UInt8](repeating: 0, count: byteCount)]
      .withUnsafeMutableBytes { target in
        try weights.withUnsafeBufferPointer { weights in
          try importance.withUnsafeBufferPointer { importance in
            try timed {
              try type.narrow(weights, importance: isWeighted ? importance : nil, into: target)
            }.seconds
          }
        }
      }
    _ = try decode(type)
    return ["seconds": seconds, "error": squaredError(isWeighted: isWeighted)]
  }

  /// Decodes what was encoded last.
  ///
  /// - Returns: Seconds.
  mutating func decode(_ type: ElementType) throws -> Double {
    guard let bytes = stored[type] else { fail("no \(type.name) was encoded") }
    return try bytes.withUnsafeBytes { bytes in
      try decoded.withUnsafeMutableBufferPointer { target in
        try timed { try type.widen(bytes, into: target) }.seconds
      }
    }
  }

  private func squaredError(isWeighted: Bool) -> Double {
    var sum = 0.0
    for row in 0..<rows {
      for column in 0..<columns {
        let place = row * columns + column
        let difference = Double(decoded[place]) - Double(weights[place])
        sum += difference * difference * (isWeighted ? Double(importance[column]) : 1)
      }
    }
    return sum
  }
}
