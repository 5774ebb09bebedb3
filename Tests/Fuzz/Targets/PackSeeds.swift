internal import JSON
internal import Storage
internal import Tensors
internal import TestSupport
internal import Zstandard

/// Sound packs of a few kilobytes.
enum PackSeeds {
  private static func empty() -> HandmadePack { HandmadePack(hash: { Checksum.of($0) }) }

  /// A folder with one safetensors file and its configuration.
  static func lossless() -> [UInt8] {
    let model = TinyModel.mixtral()
    var pack = empty()
    let configuration = Array(model.configuration.text(pretty: true).utf8)
    pack.add("config.json", "U8", [configuration.count], configuration, kind: 1)
    pack.addFile("config.json", kind: 0, part: 0)
    let file = RawSafetensors.file(model.tensors)
    let header = Array(file[8..<8 + Int(file.integer(UInt64.self, at: 0))])
    pack.add("model.safetensors", "U8", [header.count], header, kind: 2)
    pack.addFile("model.safetensors", kind: 1, part: 1)
    for tensor in model.tensors {
      pack.add(tensor.name, tensor.type.name, tensor.shape, tensor.bytes, file: 1)
    }
    return pack.bytes()
  }

  /// A pruned Mixtral, some of its experts' matrices as factors.
  static func compressed() -> [UInt8] {
    var random = SeededRandom(seed: 4)
    let model = TinyModel.mixtral()
    var pack = empty()
    let configuration = Array(model.configuration.text(pretty: true).utf8)
    pack.add("config.json", "U8", [configuration.count], configuration, kind: 1)
    pack.addFile("config.json", kind: 0, part: 0)
    let kept = [0, 2, 3]
    for tensor in model.tensors where !tensor.name.contains(".experts.") {
      guard tensor.name.hasSuffix("block_sparse_moe.gate.weight") else {
        pack.add(tensor.name, "BF16", tensor.shape, tensor.bytes)
        continue
      }
      let rows = kept.flatMap { tensor.bytes[16 * $0..<16 * $0 + 16] }
      pack.add(tensor.name, "BF16", [3, 8], rows)
    }
    for layer in 0..<2 {
      for expert in kept {
        for (projection, word) in ["w1", "w3", "w2"].enumerated() {
          let name = "model.layers.\(layer).block_sparse_moe.experts.\(expert).\(word).weight"
          let (rows, columns) = word == "w2" ? (8, 6) : (6, 8)
          let part = UInt32(pack.parts.count)
          if expert == 2 {
            pack.add(name, "BF16", [rows, columns], model[name]?.bytes ?? [])
          } else {
            for (suffix, size) in [("#u", rows), ("#v", columns)] {
              pack.add(
                name + suffix,
                "F32",
                [2, size],
                random.weights(2 * size).flatMap { [UInt8].littleEndian($0.bitPattern) }
              )
            }
          }
          pack.addMatrix(
            layer: UInt32(layer),
            expert: UInt32(expert),
            projection: UInt8(projection),
            form: expert == 2 ? 1 : 2,
            rows: UInt32(rows),
            columns: UInt32(columns),
            parts: expert == 2 ? [part] : [part, part + 1]
          )
        }
      }
    }
    pack.model = Array(
      """
      {"kind":"compressed","tool":"fuzz","layers":[\
      {"layer":0,"experts":4,"kept":[0,2,3],"topK":2,"type":"BF16"},\
      {"layer":1,"experts":4,"kept":[0,2,3],"topK":2,"type":"BF16"}]}
      """.utf8
    )
    return pack.bytes()
  }

  /// A part in each codec.
  static func encoded() -> [UInt8] {
    var pack = empty()
    let zeros = [UInt8](repeating: 0, count: 256)
    pack.add("raw", "U8", [256], zeros)
    pack.add("zstd", "U8", [256], zeros, stored: frame(zeros), codec: 1)
    let half = frame([UInt8](repeating: 0, count: 128))
    pack.add("planes16", "BF16", [128], zeros, stored: planes([half, half]), codec: 2)
    let quarter = frame([UInt8](repeating: 0, count: 64))
    let four = planes([quarter, quarter, quarter, quarter])
    pack.add("planes32", "F32", [64], zeros, stored: four, codec: 3)
    pack.add("empty", "F32", [0, 4], [])
    pack.add("strange", "X7", [3], [1, 2])
    pack.add("blocks", "Q8_0", [2, 32], [UInt8](repeating: 60, count: 68))
    return pack.bytes()
  }

  private static func planes(_ frames: [[UInt8]]) -> [UInt8] {
    frames.flatMap { [UInt8].littleEndian(UInt32($0.count) | 1 << 31) } + frames.flatMap { $0 }
  }

  private static func frame(_ bytes: [UInt8]) -> [UInt8] {
    var room = [UInt8](repeating: 0, count: Compressor.bound(bytes.count))
    let count = bytes.withUnsafeBytes { source in
      room.withUnsafeMutableBytes { target in
        (try? Compressor(.general).compress(source, into: target)) ?? 0
      }
    }
    return Array(room.prefix(count))
  }
}
