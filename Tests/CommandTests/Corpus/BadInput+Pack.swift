import JSON
import Storage
import Tensors
import TestSupport
import Zstandard

extension BadInput {
  private static func empty() -> HandmadePack { HandmadePack(hash: { Checksum.of($0) }) }

  /// A Mixtral as `convert` packs it; `stored` stands for the chunk of its first tensor.
  static func losslessPack(storing stored: [UInt8]? = nil) -> HandmadePack {
    let model = TinyModel.mixtral()
    var pack = empty()
    let text = Array(model.configuration.text(pretty: true).utf8)
    pack.add("config.json", "U8", [text.count], text, kind: 1)
    pack.addFile("config.json", kind: 0, part: 0)
    let file = RawSafetensors.file(model.tensors)
    let header = Array(file[8..<8 + Int(file.integer(UInt64.self, at: 0))])
    pack.add("model.safetensors", "U8", [header.count], header, kind: 2)
    pack.addFile("model.safetensors", kind: 1, part: 1)
    for (index, tensor) in model.tensors.enumerated() {
      let stored = index == 0 ? stored : nil
      pack.add(
        tensor.name,
        tensor.type.name,
        tensor.shape,
        tensor.bytes,
        file: 1,
        stored: stored,
        codec: stored == nil ? 0 : 1
      )
    }
    return pack
  }

  /// A Mixtral whose table lists all of its experts.
  static func compressedPack(
    layers: String = #"{"layer":0,"kept":[0,1,2,3]},{"layer":1,"kept":[0,1,2,3]}"#
  ) -> HandmadePack {
    let model = TinyModel.mixtral()
    var pack = empty()
    let text = Array(model.configuration.text(pretty: true).utf8)
    pack.add("config.json", "U8", [text.count], text, kind: 1)
    pack.addFile("config.json", kind: 0, part: 0)
    for tensor in model.tensors { pack.add(tensor.name, "BF16", tensor.shape, tensor.bytes) }
    pack.model = Array("{\"kind\":\"compressed\",\"layers\":[\(layers)]}".utf8)
    return pack
  }

  /// A pack that no command opens, of the bytes that `make` gives.
  private static func pack(
    _ name: String,
    saying words: String...,
    bytes: @escaping @Sendable () -> [UInt8]
  ) -> BadInput {
    BadInput(name, words + ["x.moepack"]) { place in
      try place.folder.write(bytes(), to: "x.moepack")
      try place.writeIDs(Array(0..<16))
      return [
        ["inspect", place("x.moepack")], ["inspect", place("x.moepack"), "--json"],
        ["convert", place("x.moepack"), "-o", place("out")],
        ["evaluate", place("x.moepack")] + place.ids, place.compress("x.moepack"),
      ]
    }
  }

  /// A sound pack with something changed, every checksum made to fit.
  private static func altered(
    _ name: String,
    saying words: String...,
    change: @escaping @Sendable (inout HandmadePack) -> Void
  ) -> BadInput {
    BadInput(name, words + ["x.moepack"]) { place in
      var pack = losslessPack()
      change(&pack)
      try place.folder.write(pack.bytes(), to: "x.moepack")
      return [
        ["inspect", place("x.moepack")], ["convert", place("x.moepack"), "-o", place("out")],
      ]
    }
  }

  /// A pack that opens, but cannot be unpacked or run.
  private static func unreadable(
    _ name: String,
    saying words: String...,
    make: @escaping @Sendable () throws -> HandmadePack
  ) -> BadInput {
    BadInput(name, words + ["x.moepack"]) { place in
      try place.folder.write(try make().bytes(), to: "x.moepack")
      try place.writeIDs(Array(0..<16))
      return [
        ["convert", place("x.moepack"), "-o", place("out")],
        ["evaluate", place("x.moepack")] + place.ids,
      ]
    }
  }

  private static func frame(_ bytes: [UInt8]) throws -> [UInt8] {
    var room = [UInt8](repeating: 0, count: Compressor.bound(bytes.count))
    let count = try bytes.withUnsafeBytes { source in
      try room.withUnsafeMutableBytes { try Compressor(.general).compress(source, into: $0) }
    }
    return Array(room[..<(count ?? 0)])
  }

  /// A file in a pack that is `count` zeros in frames of 16 MiB.
  private static func bomb(_ path: String, count: Int) throws -> HandmadePack {
    var pack = empty()
    let size = 16 << 20
    let stored = try frame([UInt8](repeating: UInt8(ascii: "["), count: size))
    pack.add(path, "U8", [0], [], kind: 1)
    for _ in 0..<count / size { pack.addChunk(stored, decodedBytes: size, codec: 1) }
    let chunks = pack.chunks
    pack.parts[0].shape = [UInt64(count)]
    pack.parts[0].byteCount = UInt64(count)
    pack.parts[0].chunkCount = UInt32(chunks.count)
    pack.parts[0].start = chunks.first?.offset ?? 64
    pack.parts[0].end = chunks.last.map { $0.offset + UInt64($0.storedBytes) } ?? 64
    pack.addFile(path, kind: 0, part: 0)
    return pack
  }

  /// Packs that break a rule of the format, and bombs.
  static let packs: [BadInput] = [
    pack("an empty pack", saying: "not a .moepack") { [] },
    pack("a pack of eight bytes", saying: "no whole pack") { HandmadePack.magic },
    pack("a pack cut short", saying: "is the download complete?") {
      Array(losslessPack().bytes().dropLast(8))
    },
    pack("a pack with a byte behind it", saying: "end as a pack does") {
      losslessPack().bytes() + [0]
    },
    pack("a pack through a text transfer", saying: "not a .moepack") {
      losslessPack().bytes().filter { $0 != 0x0D }
    },
    altered("a later major version", saying: "version 2", "update moepack") { $0.header[8] = 2 },
    altered("an unknown feature", saying: "0x80", "update moepack") { $0.header[16] |= 0x80 },
    altered("reserved bytes in use", saying: "header") { $0.header[40] = 1 },
    altered("too many parts counted", saying: "footer", "parts") { pack in
      pack.alterFooter = { $0.put(UInt64.max, at: 120) }
    },
    altered("too many chunks counted", saying: "footer", "chunks") { pack in
      pack.alterFooter = { $0.put(UInt64(1) << 59, at: 128) }
    },
    altered("a section past the end", saying: "footer", "model section") { pack in
      pack.alterFooter = { $0.put(UInt64.max - 7, at: 96) }
    },
    altered("a tensor twice", saying: "lm_head.weight", "twice") {
      $0.parts[3].name = $0.parts[2].name
    },
    altered("an unknown kind of part", saying: "kind") { $0.parts[2].kind = 3 },
    altered("a shape that overflows", saying: "lm_head.weight") {
      $0.parts[2].shape = [1 << 32, 1 << 32]
    },
    altered("a size that its chunks cannot hold", saying: "lm_head.weight") {
      $0.parts[2].type = Array("X1".utf8)
      $0.parts[2].byteCount = 1 << 40
    },
    altered("chunks of another part", saying: "chunks") { $0.parts[2].firstChunk = 1 },
    altered("a part outside the body", saying: "outside the body") { $0.parts[2].end = 1 << 40 },
    altered("a name that is not UTF-8", saying: "UTF-8") { $0.parts[2].name = [0xFF] },
    altered("a file outside its folder", saying: "../config.json") {
      $0.files = []
      $0.addFile("../config.json", kind: 0, part: 0)
      $0.addFile("model.safetensors", kind: 1, part: 1)
    },
    altered("a file by absolute path", saying: "/etc/passwd") {
      $0.files = []
      $0.addFile("/etc/passwd", kind: 0, part: 0)
      $0.addFile("model.safetensors", kind: 1, part: 1)
    },
    altered("a file that is a folder of another", saying: "both a file and a folder") {
      $0.files = []
      $0.addFile("a", kind: 0, part: 0)
      $0.addFile("a/b", kind: 1, part: 1)
    },
    altered("a file that names no part", saying: "another kind") {
      $0.addFile("b", kind: 0, part: 99)
    },
    altered("a matrix of parts that are not there", saying: "matri") {
      $0.addMatrix(form: 1, rows: 8, columns: 8, parts: [99])
    },
    altered("an unknown form of matrix", saying: "update moepack") {
      $0.addMatrix(form: 9, rows: 8, columns: 8, parts: [2])
    },
    altered("a model section that is no JSON", saying: "model section") { $0.model = [0x7B] },
    altered("a model section of 33 MB", saying: "model section") {
      $0.model = Array("[".utf8) + [UInt8](repeating: 0x20, count: 33 << 20) + Array("]".utf8)
    },
    altered("deep nesting in the model section", saying: "64 levels") {
      $0.model = [UInt8](repeating: UInt8(ascii: "["), count: 100_000)
    },
    unreadable("chunks that overlap", saying: "chunk 3") {
      var pack = losslessPack()
      pack.chunks[3].offset = pack.chunks[2].offset
      return pack
    },
    unreadable("an unknown codec", saying: "codec", "update moepack") {
      var pack = losslessPack()
      pack.chunks[2].codec = 200
      return pack
    },
    unreadable("a chunk that claims 4 GB", saying: "out of bounds") {
      var pack = losslessPack()
      pack.chunks[2].decodedBytes = .max
      return pack
    },
    unreadable("a frame that unfolds to more than is stated", saying: "16777216") {
      losslessPack(storing: try frame([UInt8](repeating: 0, count: 16 << 20)))
    },
    BadInput("a tensor that belongs to no file", saying: "x.moepack", "'loose'", "none of the") {
      place in
      var pack = losslessPack()
      pack.add("loose", "U8", [1], [0])
      try place.folder.write(pack.bytes(), to: "x.moepack")
      return [["convert", place("x.moepack"), "-o", place("out")]]
    },
    BadInput("a header that describes other tensors", saying: "x.moepack", "model.safetensors") {
      place in
      var pack = losslessPack()
      pack.parts[2].name = Array("renamed".utf8)
      try place.folder.write(pack.bytes(), to: "x.moepack")
      return [["convert", place("x.moepack"), "-o", place("out")]]
    },
    BadInput("a configuration of 64 MB in a few kilobytes", saying: "config.json", "16777216") {
      place in
      try place.folder.write(try bomb("config.json", count: 64 << 20).bytes(), to: "x.moepack")
      return [["inspect", place("x.moepack")], place.compress("x.moepack")]
    },
    BadInput("a file of 112 MB in a pack", saying: "x.moepack", "117440512") { place in
      try place.folder.write(try bomb("README.md", count: 112 << 20).bytes(), to: "x.moepack")
      return [
        ["inspect", place("x.moepack")], ["convert", place("x.moepack"), "-o", place("out")],
      ]
    },
    unreadable("an expert table of other experts", saying: "layer 0") {
      compressedPack(layers: #"{"layer":0,"kept":[3,1]},{"layer":1,"kept":[0,1]}"#)
    },
    unreadable("an expert table without a layer", saying: "every layer") {
      compressedPack(layers: #"{"layer":0,"kept":[0,1,2,3]}"#)
    },
    unreadable("an expert table with fewer experts than there are", saying: "gate.weight") {
      compressedPack(layers: #"{"layer":0,"kept":[0,1]},{"layer":1,"kept":[0,1,2,3]}"#)
    },
    BadInput("a compressed pack, compressed again", saying: "x.moepack") { place in
      try place.folder.write(compressedPack().bytes(), to: "x.moepack")
      try place.writeIDs(Array(0..<128).map { $0 % 16 })
      return [["compress", place("x.moepack"), "-o", place("out.moepack")] + place.ids]
    },
  ]
}
