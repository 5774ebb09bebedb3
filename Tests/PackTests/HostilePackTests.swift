import Storage
import SystemPackage
import Tensors
import TestSupport
import Testing
import Zstandard

@testable import Pack

/// Packs whose hashes all fit and whose content lies.
@Suite("Hostile packs")
struct HostilePackTests {
  private let place: PackFolder

  init() throws { place = try PackFolder() }

  /// Expects opening to be refused with the words given.
  private func expectMalformed(
    _ words: String,
    _ pack: HandmadePack,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let error = place.openingError(pack.bytes())
    guard case .malformed(_, _, let reason) = error else {
      Issue.record("another error: \(String(describing: error))", sourceLocation: sourceLocation)
      return
    }
    #expect(reason.contains(words), sourceLocation: sourceLocation)
  }

  private func alter(_ change: (inout HandmadePack) -> Void) -> HandmadePack {
    var pack = HandmadePack.small
    change(&pack)
    return pack
  }

  /// Expects the pack to open, and its first tensor and verification to be refused.
  private func expectUnreadable(
    _ words: String,
    _ pack: HandmadePack,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let bytes = pack.bytes()
    let reader = try place.open(bytes)
    let error = #expect(throws: PackError.self, sourceLocation: sourceLocation) {
      try reader.bytes(ofTensor: 0)
    }
    #expect("\(error.map { "\($0)" } ?? "")".contains(words), sourceLocation: sourceLocation)
    #expect(!place.problems(bytes).isEmpty, sourceLocation: sourceLocation)
  }

  // MARK: - Header and footer

  @Test("another major version is refused by its number", arguments: [UInt16(0), 2, 65535])
  func version(major: UInt16) {
    let pack = alter { $0.header.put(major, at: 8) }
    let file = place.folder("test.moepack")
    #expect(place.openingError(pack.bytes()) == .version(file: file, major: Int(major)))
  }

  @Test("an unknown required feature is refused by its bit", arguments: 4..<64)
  func feature(bit: UInt64) {
    let pack = alter { $0.header.put(UInt64(15) | 1 << bit, at: 16) }
    let file = place.folder("test.moepack")
    #expect(place.openingError(pack.bytes()) == .features(file: file, unknown: 1 << bit))
  }

  @Test("another length of the header, or reserved bytes in use, are refused")
  func headerFields() {
    expectMalformed("length", alter { $0.header.put(UInt32(72), at: 12) })
    for offset in 32..<56 { expectMalformed("reserved", alter { $0.header[offset] = 1 }) }
  }

  @Test("a section that does not lie in the file is refused", arguments: 0..<5)
  func sectionOutside(number: Int) {
    for value: UInt64 in [0, 63, 8, 1 << 40, 1 << 63, .max, .max - 7] {
      expectMalformed(
        "section",
        alter { $0.alterFooter = { $0.put(value, at: 24 * number) } }
      )
      expectMalformed(
        "section",
        alter { $0.alterFooter = { $0.put(value | 1 << 31, at: 24 * number + 8) } }
      )
    }
  }

  @Test("sections out of order or with a gap are refused")
  func sectionOrder() {
    let pack = HandmadePack.small
    let bytes = pack.bytes()
    let sections = HandmadePack.sections(of: bytes)
    // The files section where the model is, and the first section a step too early.
    expectMalformed(
      "out of place",
      alter { $0.alterFooter = { $0.put(UInt64(sections[4].lowerBound), at: 72) } }
    )
    expectMalformed(
      "section",
      alter { $0.alterFooter = { $0.put(UInt64(sections[0].lowerBound - 8), at: 0) } }
    )
  }

  @Test("counts that the sections do not hold are refused")
  func counts() {
    for value: UInt64 in [0, 2, 4, 1 << 32, 1 << 63, .max] {
      expectMalformed("parts", alter { $0.alterFooter = { $0.put(value, at: 120) } })
      expectMalformed("chunks", alter { $0.alterFooter = { $0.put(value, at: 128) } })
    }
  }

  @Test("another length of the file than the footer's is refused")
  func fileLength() {
    for value: UInt64 in [0, 1, 1 << 63, .max] {
      let pack = alter { $0.alterFooter = { $0.put(value, at: 136) } }
      guard case .incomplete = place.openingError(pack.bytes()) else {
        Issue.record("length \(value) was accepted")
        return
      }
    }
  }

  @Test("padding between sections must be zero")
  func sectionPadding() {
    var bytes = alter { $0.model = Array("{ }".utf8) }.bytes()
    let end = HandmadePack.sections(of: bytes)[4].upperBound
    bytes[end] = 1
    #expect(
      place.openingError(bytes)
        == .damaged(file: place.folder("test.moepack"), place: "padding at byte \(end)")
    )
  }

  // MARK: - Parts

  @Test("sizes past 2^63 are refused", arguments: [UInt64(1) << 63, .max])
  func pastInt(value: UInt64) {
    expectMalformed("2^63", alter { $0.parts[0].byteCount = value })
    expectMalformed("2^63", alter { $0.parts[0].firstChunk = value })
    expectMalformed("2^63", alter { $0.parts[0].start = value })
    expectMalformed("2^63", alter { $0.parts[0].end = value })
    expectMalformed("2^63", alter { $0.parts[0].shape[0] = value })
  }

  @Test("a shape that overflows is refused")
  func shapeOverflow() {
    for shape: [UInt64] in [[1 << 62, 4], [1 << 32, 1 << 32], [1 << 61]] {
      expectMalformed("more elements", alter { $0.parts[0].shape = shape })
      expectMalformed(
        "more elements",
        alter {
          $0.parts[0].type = Array("X".utf8)
          $0.parts[0].shape = shape + [4]
        }
      )
    }
  }

  @Test("shape times type must be the size", arguments: [UInt64(0), 7, 9, 1 << 40])
  func wrongSize(value: UInt64) {
    expectMalformed("do not give", alter { $0.parts[0].byteCount = value })
  }

  @Test("a size that no chunks back is refused on opening, whatever the shape says")
  func unbackedSize() {
    expectMalformed(
      "cannot hold",
      alter {
        $0.parts[2].byteCount = 1 << 40
        $0.parts[2].shape = [1 << 40]
      }
    )
    expectMalformed(
      "cannot hold",
      alter {
        $0.parts[1].byteCount = (16 << 20) + 1
        $0.parts[1].shape = [(16 << 20) + 1]
      }
    )
    expectMalformed(
      "cannot hold",
      alter {
        $0.parts[2].byteCount = 0
        $0.parts[2].shape = [0]
      }
    )
  }

  @Test("a file too large to be held in memory is refused")
  func largeFile() {
    var pack = HandmadePack()
    for _ in 0..<8 { pack.addChunk([0], decodedBytes: 16 << 20, codec: 1) }
    let size = UInt64(8 * 16 << 20)
    var part = HandmadePack.small.parts[1]
    (part.shape, part.byteCount, part.firstChunk, part.chunkCount) = ([size], size, 0, 8)
    (part.start, part.end) = (64, 64 + 57)
    pack.parts.append(part)
    pack.addFile("f", kind: 0, part: 0)
    expectMalformed("more than a file", pack)
  }

  @Test("a part without chunks has no place, and no bytes")
  func emptyPart() {
    func empty(_ change: (inout HandmadePack.Part) -> Void) -> HandmadePack {
      alter { pack in
        pack.add("e", "U8", [0], [])
        change(&pack.parts[3])
      }
    }
    #expect(place.problems(empty { _ in }.bytes()) == [])
    expectMalformed("no chunks", empty { $0.start = 128 })
    expectMalformed("no chunks", empty { $0.end = 8 })
    expectMalformed("no chunks", empty { ($0.start, $0.end) = (1 << 40, 1 << 20) })
    expectMalformed(
      "cannot hold",
      empty {
        $0.byteCount = 4
        $0.shape = [4]
      }
    )
  }

  @Test("names that repeat are refused, within a kind")
  func names() {
    expectMalformed("twice", alter { $0.parts[2].name = $0.parts[0].name })
    let path = alter { $0.parts[2].name = $0.parts[1].name }
    #expect(place.problems(path.bytes()) == [])
    let similar = alter {
      $0.parts[0].name = Array("caf\u{E9}".utf8)
      $0.parts[2].name = Array("cafe\u{301}".utf8)
    }
    #expect(place.problems(similar.bytes()) == [])
  }

  @Test("names that are not UTF-8 or hold a NUL are refused")
  func badNames() {
    for name: [UInt8] in [[0xFF], [0xC3], [0], [65, 0, 66], [0xED, 0xA0, 0x80]] {
      expectMalformed("UTF-8", alter { $0.parts[0].name = name })
      expectMalformed("UTF-8", alter { $0.parts[0].type = name })
    }
  }

  @Test("unknown kinds and too many axes are refused")
  func kinds() {
    for kind: UInt8 in [3, 255] {
      expectMalformed("unknown kind", alter { $0.parts[0].kind = kind })
    }
    expectMalformed(
      "axes",
      alter { $0.parts[0].shape = [UInt64](repeating: 1, count: 17) }
    )
  }

  @Test("bytes behind the last record are refused")
  func partsTail() {
    for count in 1..<60 {
      let pack = alter { $0.partsTail = [UInt8](repeating: 0, count: count) }
      #expect(place.openingError(pack.bytes()) != nil)
    }
  }

  @Test("chunks belong to parts in order and to one part only")
  func chunkOwners() {
    expectMalformed("not its own", alter { $0.parts[0].firstChunk = 1 })
    expectMalformed("not its own", alter { $0.parts[1].firstChunk = 0 })
    expectMalformed("not its own", alter { $0.parts[2].chunkCount = 2 })
    expectMalformed("not its own", alter { $0.parts[2].chunkCount = .max })
    // A chunk that nobody owns.
    expectMalformed("footer counts", alter { $0.addChunk([1], decodedBytes: 1, codec: 0) })
  }

  @Test("a part outside the body or before the one ahead is refused")
  func partPlace() {
    expectMalformed("outside the body", alter { $0.parts[0].start = 8 })
    expectMalformed("outside the body", alter { $0.parts[0].end = 1 << 40 })
    expectMalformed("outside the body", alter { $0.parts[0].end = 64 - 1 })
    expectMalformed("outside the body", alter { $0.parts[2].start = 64 })
  }

  // MARK: - Chunks

  @Test("chunks that overlap, or leave the body, are refused before they are read")
  func chunkPlace() throws {
    try expectUnreadable("in the body", alter { $0.chunks[1].offset = $0.chunks[0].offset })
    try expectUnreadable("in the body", alter { $0.chunks[0].offset = 0 })
    try expectUnreadable("in the body", alter { $0.chunks[0].offset = 65 })
    try expectUnreadable("in the body", alter { $0.chunks[2].offset = 1 << 40 })
    try expectUnreadable("in the body", alter { $0.chunks[2].storedBytes = .max })
    try expectUnreadable("in the body", alter { $0.chunks[0].storedBytes += 8 })
    try expectUnreadable("2^63", alter { $0.chunks[0].offset = .max - 7 })
  }

  @Test("chunks that do not add up to their part are refused")
  func chunkSum() throws {
    try expectUnreadable("add up", alter { $0.chunks[0].decodedBytes = 7 })
    try expectUnreadable("add up", alter { $0.chunks[0].decodedBytes = 16 << 20 })
    try expectUnreadable("add up", alter { $0.chunks[0].storedBytes = 7 })
    try expectUnreadable("add up", alter { $0.parts[0].end = 65 })
  }

  @Test("decoded sizes out of bounds are refused", arguments: [UInt32(0), 16 << 20 | 1, .max])
  func decodedBounds(value: UInt32) throws {
    try expectUnreadable("out of bounds", alter { $0.chunks[0].decodedBytes = value })
  }

  @Test("an unknown codec or a reserved byte in use is refused")
  func codec() throws {
    for codec: UInt8 in [6, 255] {
      try expectUnreadable("codec", alter { $0.chunks[0].codec = codec })
    }
    for place in 0..<7 { try expectUnreadable("codec", alter { $0.chunks[0].zeros[place] = 1 }) }
  }

  @Test("a part whose hash is of other bytes is reported by verify")
  func partHash() {
    let problems = place.problems(alter { $0.parts[0].hash ^= 1 }.bytes())
    #expect(problems.count == 1)
    #expect(problems[0].contains("decodes to other bytes"))
  }

  @Test("bytes between chunks that belong to nothing are reported by verify")
  func hiddenBytes() {
    var gap = HandmadePack()
    gap.add("a", "U8", [8], [UInt8](repeating: 1, count: 8))
    gap.body += [UInt8](repeating: 0, count: 8)
    gap.add("b", "U8", [8], [UInt8](repeating: 2, count: 8))
    #expect(place.problems(gap.bytes()) == ["byte 72: 8 bytes that belong to nothing"])
    var tail = HandmadePack()
    tail.add("a", "U8", [8], [UInt8](repeating: 1, count: 8))
    tail.body += Array("#!/bin/sh, say: more than padding".utf8)
    #expect(place.problems(tail.bytes()).count == 1)
    var padding = HandmadePack.small
    padding.body[12] = 1
    #expect(!place.problems(padding.bytes()).isEmpty)
  }

  // MARK: - Codecs

  /// A pack of one tensor, U8, stored as given.
  private func stored(_ bytes: [UInt8], decodes count: Int, codec: UInt8) -> HandmadePack {
    var pack = HandmadePack()
    pack.add(
      "a",
      "U8",
      [count],
      [UInt8](repeating: 0, count: count),
      stored: bytes,
      codec: codec
    )
    return pack
  }

  private func frame(_ bytes: [UInt8]) throws -> [UInt8] {
    var room = [UInt8](repeating: 0, count: Compressor.bound(bytes.count))
    let count = try bytes.withUnsafeBytes { source in
      try room.withUnsafeMutableBytes { try Compressor(.general).compress(source, into: $0) }
    }
    return Array(room[..<(count ?? 0)])
  }

  @Test("a frame that would unfold to more than is stated is refused")
  func zipBomb() throws {
    let bomb = try frame([UInt8](repeating: 0, count: 16 << 20))
    #expect(bomb.count < 2000)
    try expectUnreadable("16777216 bytes, expected 100", stored(bomb, decodes: 100, codec: 1))
    try expectUnreadable("expected 200", stored(try frame([1, 2, 3]), decodes: 200, codec: 1))
  }

  /// A frame of one raw block, by RFC 8878: content size as stated, none if nil.
  private func rawFrame(_ content: [UInt8], states size: UInt8?) -> [UInt8] {
    let magic: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD]
    let header: [UInt8] = size.map { [0x20, $0] } ?? [0x00, 0x00]
    let block = UInt32(content.count) << 3 | 1
    return magic + header + [UInt8].littleEndian(block).prefix(3) + content
  }

  @Test("a frame that lies about its size, or does not state it, is refused")
  func lyingFrame() throws {
    let zeros = [UInt8](repeating: 0, count: 16)
    let honest = stored(rawFrame(zeros, states: 16), decodes: 16, codec: 1)
    #expect(place.problems(honest.bytes()) == [])
    try expectUnreadable(
      "zstd",
      stored(rawFrame(Array(zeros[..<8]), states: 16), decodes: 16, codec: 1)
    )
    try expectUnreadable("zstd", stored(rawFrame(zeros + zeros, states: 16), decodes: 16, codec: 1))
    try expectUnreadable("unknown", stored(rawFrame(zeros, states: nil), decodes: 16, codec: 1))
    try expectUnreadable("zstd", stored([1, 2, 3], decodes: 16, codec: 1))
    try expectUnreadable("zstd", stored([], decodes: 16, codec: 1))
  }

  @Test("a frame with anything behind it is refused, also a second frame or one to skip")
  func trailingFrame() throws {
    let zeros = [UInt8](repeating: 0, count: 16)
    let first = rawFrame(zeros, states: 16)
    let skipped: [UInt8] = [0x50, 0x2A, 0x4D, 0x18, 4, 0, 0, 0, 1, 2, 3, 4]
    for tail in [[0], skipped, skipped + skipped, rawFrame([], states: 0), first] as [[UInt8]] {
      try expectUnreadable("behind the frame", stored(first + tail, decodes: 16, codec: 1))
    }
    try expectUnreadable("zstd", stored(skipped + first, decodes: 16, codec: 1))
    let halves = rawFrame(Array(zeros[..<8]), states: 8)
    try expectUnreadable("zstd", stored(halves + halves, decodes: 16, codec: 1))
    // In a plane, too.
    let planes = [UInt32(first.count + skipped.count) | 1 << 31, 16].flatMap {
      [UInt8].littleEndian($0)
    }
    try expectUnreadable(
      "behind the frame",
      stored(planes + first + skipped + zeros, decodes: 32, codec: 2)
    )
  }

  @Test("coded words that the header does not announce are refused", arguments: [UInt8(4), 5])
  func unannounced(codec: UInt8) throws {
    try expectUnreadable("does not announce", alter { $0.chunks[0].codec = codec })
  }

  @Test("every frame cut short is refused")
  func cutFrame() throws {
    let whole = try frame((0..<200).map { UInt8($0 * $0 & 0xFF) })
    for count in whole.indices {
      try expectUnreadable("zstd", stored(Array(whole[..<count]), decodes: 200, codec: 1))
    }
  }

  @Test("a raw chunk of another length is refused")
  func rawLength() throws {
    try expectUnreadable("raw chunk", stored([1, 2, 3], decodes: 4, codec: 0))
    try expectUnreadable("raw chunk", stored([1, 2, 3, 4, 5], decodes: 4, codec: 0))
  }

  @Test("planes that do not fit their chunk are refused", arguments: [UInt8(2), 3])
  func planes(codec: UInt8) throws {
    let count = codec == 2 ? 2 : 4
    func chunk(_ words: [UInt32], _ bytes: Int) -> [UInt8] {
      words.flatMap { [UInt8].littleEndian($0) } + [UInt8](repeating: 0, count: bytes)
    }
    let sound = [UInt32](repeating: 4, count: count)
    let decoded = 4 * count
    #expect(
      place.problems(stored(chunk(sound, decoded), decodes: decoded, codec: codec).bytes()) == []
    )

    func refuse(_ words: String, _ bytes: [UInt8], decodes size: Int) throws {
      try expectUnreadable(words, stored(bytes, decodes: size, codec: codec))
    }
    try refuse("do not fit", chunk(sound, decoded), decodes: decoded + 1)
    try refuse("do not fit", [0, 0, 0], decodes: decoded)
    try refuse("another length", chunk(sound, decoded), decodes: decoded + count)
    try refuse("past the end", chunk(sound, decoded - 1), decodes: decoded)
    try refuse("behind the last", chunk(sound, decoded + 1), decodes: decoded)
    var long = sound
    long[0] = 0x7FFF_FFFF
    try refuse("past the end", chunk(long, decoded), decodes: decoded)
    long[0] = .max
    try refuse("past the end", chunk(long, decoded), decodes: decoded)
    long[0] = 4 | 1 << 31
    try refuse("zstd", chunk(long, decoded), decodes: decoded)
  }

  @Test("a plane that unfolds over its neighbour is refused")
  func planeBomb() throws {
    let bomb = try frame([UInt8](repeating: 0, count: 4096))
    let words = [UInt32(bomb.count) | 1 << 31, 8].flatMap { [UInt8].littleEndian($0) }
    let bytes = words + bomb + [UInt8](repeating: 0, count: 8)
    try expectUnreadable("4096 bytes, expected 8", stored(bytes, decodes: 16, codec: 2))
  }

  // MARK: - Matrices

  private func matrix(
    rows: UInt32 = 4,
    columns: UInt32 = 3,
    form: UInt8 = 2,
    projection: UInt8 = 0,
    parts: [UInt32] = [0, 1],
    parameters: [UInt8] = [],
    twice: Bool = false
  ) -> HandmadePack {
    var pack = HandmadePack()
    pack.add("u", "U8", [2, 4], [UInt8](repeating: 1, count: 8))
    pack.add("v", "U8", [2, 3], [UInt8](repeating: 1, count: 6))
    pack.add("w", "U8", [4, 3], [UInt8](repeating: 1, count: 12))
    pack.add("f", "U8", [12], [UInt8](repeating: 1, count: 12), kind: 1)
    for _ in 0..<(twice ? 2 : 1) {
      pack.addMatrix(
        projection: projection,
        form: form,
        rows: rows,
        columns: columns,
        parts: parts,
        parameters: parameters
      )
    }
    return pack
  }

  @Test("factors and dense matrices of the right shapes are read")
  func soundMatrices() {
    #expect(place.problems(matrix().bytes()) == [])
    #expect(place.problems(matrix(form: 1, parts: [2]).bytes()) == [])
  }

  @Test("matrices that their parts do not fit are refused")
  func matrixShapes() {
    for pack in [
      matrix(rows: 5), matrix(columns: 4), matrix(parts: [1, 0]), matrix(parts: [0]),
      matrix(parts: [0, 1, 2]), matrix(parts: []), matrix(parts: [0, 9]), matrix(parts: [0, .max]),
      matrix(parts: [0, 3]), matrix(form: 1, parts: [3]), matrix(form: 1, parts: [0]),
      matrix(form: 1, parts: [2, 2]), matrix(form: 1, parts: []), matrix(twice: true),
    ] {
      expectMalformed("repeats or", pack)
    }
  }

  @Test("unknown forms and projections, and parameters where there are none, are refused")
  func matrixKinds() {
    for form: UInt8 in [0, 3, 255] { expectMalformed("unknown", matrix(form: form)) }
    expectMalformed("unknown", matrix(projection: 3))
    expectMalformed("parameters", matrix(parameters: [1]))
  }

  @Test("a matrices section cut short is refused")
  func matrixCut() {
    let whole = matrix().matrices
    for count in 1..<whole.count {
      var pack = matrix()
      pack.matrices = Array(whole[..<count])
      #expect(place.openingError(pack.bytes()) != nil)
    }
  }

  // MARK: - Files

  private func files(_ paths: [String], kind: UInt8 = 0, part: Int? = nil) -> HandmadePack {
    var pack = HandmadePack()
    for (number, path) in paths.enumerated() {
      pack.add("p\(number)", "U8", [1], [1], kind: 1)
      pack.addFile(path, kind: kind, part: part ?? number)
    }
    return pack
  }

  @Test(
    "a path that stays inside is read",
    arguments: ["a", "a/b/c", ".hidden", "...", "a..b", "é 😀"]
  )
  func safePath(path: String) {
    #expect(PackFile.isSafe(path))
    #expect(place.problems(files([path]).bytes()) == [])
  }

  @Test(
    "a path that could leave its folder is refused",
    arguments: [
      "", "/", "/etc/passwd", "..", ".", "../x", "a/../b", "a/..", "./a", "a/./b", "a//b", "a/",
      "a\\b", "..\\x", "C:\\x", "a\nb", "a\u{1B}[2J", "a\u{7F}", "\t", "a/../../../x",
    ]
  )
  func unsafePath(path: String) {
    #expect(!PackFile.isSafe(path))
    expectMalformed("stay inside", files([path]))
  }

  @Test("a NUL in a path is refused")
  func nulPath() {
    expectMalformed("UTF-8", files(["a\0b"]))
  }

  @Test("paths that repeat, or are a folder of another, are refused")
  func paths() {
    expectMalformed("twice", files(["a", "a"]))
    expectMalformed("both a file and a folder", files(["a", "a/b"]))
    expectMalformed("both a file and a folder", files(["a/b/c", "a/b"]))
    expectMalformed("both a file and a folder", files(["x/y/z/w", "x"]))
    #expect(place.problems(files(["a", "ab/c", "b/a"]).bytes()) == [])
  }

  @Test("a file that names a part of another kind, or none, is refused")
  func fileParts() {
    expectMalformed("another kind", files(["a"], kind: 1))
    expectMalformed("another kind", files(["a"], kind: 2))
    expectMalformed("another kind", files(["a"], part: 1))
    expectMalformed("another kind", files(["a"], part: Int(UInt32.max)))
    expectMalformed("another kind", alter { $0.addFile("b", kind: 0, part: 0) })
  }

  @Test("a tensor that names a file that is not there, or is no safetensors, is refused")
  func tensorFile() {
    expectMalformed("not there", alter { $0.parts[0].file = 1 })
    expectMalformed("not there", alter { $0.parts[0].file = 0 })
    expectMalformed("not there", alter { $0.parts[0].file = .max - 1 })
  }

  @Test("a files section cut short is refused")
  func filesCut() {
    let whole = HandmadePack.small.files
    for count in 1..<whole.count {
      #expect(place.openingError(alter { $0.files = Array(whole[..<count]) }.bytes()) != nil)
    }
  }

  // MARK: - Model

  @Test(
    "a model section that is not JSON is refused",
    arguments: ["", "{", "nul", "{\"a\":1,\"a\":2}", "{}{}", "\u{0}"]
  )
  func model(text: String) {
    let error = place.openingError(alter { $0.model = Array(text.utf8) }.bytes())
    guard case .malformed(_, "model section", _) = error else {
      Issue.record("another error: \(String(describing: error))")
      return
    }
  }

  @Test("deep nesting in the model section is refused")
  func modelDepth() {
    let deep = [UInt8](repeating: UInt8(ascii: "["), count: 1_000_000)
    #expect(place.openingError(alter { $0.model = deep }.bytes()) != nil)
  }
}
