import Storage
import SystemPackage
import Tensors
import TestSupport
import Testing

@testable import Safetensors

/// One test per rule a header can break, each with a file built to break only that rule.
@Suite("Safetensors header refusals")
struct HeaderRefusalTests {
  private let folder: TemporaryDirectory
  private let path: FilePath

  init() throws {
    folder = try TemporaryDirectory()
    path = folder("model.safetensors")
  }

  /// Opens a file of these bytes, by both ways of reading.
  private func open(_ bytes: [UInt8]) throws {
    try folder.write(bytes, to: "model.safetensors")
    _ = try SafetensorsReader(path, access: .mapped)
    _ = try SafetensorsReader(path)
  }

  private func expect(_ error: SafetensorsError, _ bytes: [UInt8]) {
    #expect(throws: error) { try open(bytes) }
  }

  /// Expects the header's text to be refused as JSON at `offset` of the file.
  private func expectMalformed(_ header: String, at offset: Int? = nil, buffer: Int = 0) {
    let bytes = RawSafetensors.file(header, [UInt8](repeating: 0, count: buffer))
    let error = #expect(throws: SafetensorsError.self, "\(header)") { try open(bytes) }
    guard case .malformedHeader(let file, let place, _) = error else {
      Issue.record("another error for \(header): \(String(describing: error))")
      return
    }
    #expect(file == path)
    if let offset { #expect(place == offset) }
  }

  // MARK: - Length

  @Test("fewer than eight bytes are no header", arguments: 0..<8)
  func tooSmall(count: Int) {
    expect(.headerTooSmall(file: path, byteCount: count), [UInt8](repeating: 0, count: count))
  }

  @Test("a header over 100,000,000 bytes is refused before it is read")
  func tooLarge() {
    for claimed in [100_000_001, UInt64(1) << 63, .max] {
      expect(
        .headerTooLarge(file: path, claimed: claimed),
        RawSafetensors.file("{}", claimed: claimed)
      )
    }
  }

  @Test("a header past the end of the file is refused")
  func pastEnd() {
    for claimed in [UInt64(3), 1000, 100_000_000] {
      expect(
        .headerPastEnd(file: path, claimed: claimed, available: 2),
        RawSafetensors.file("{}", claimed: claimed)
      )
    }
  }

  @Test("a Git LFS pointer is called by its name")
  func lfsPointer() {
    let pointer = """
      version https://git-lfs.github.com/spec/v1
      oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393
      size 12345
      """
    expect(.lfsPointer(file: path), Array(pointer.utf8))
    #expect("\(SafetensorsError.lfsPointer(file: path))".contains("git lfs pull"))
  }

  @Test("every shorter copy of a file is refused")
  func truncated() throws {
    var random = SeededRandom(seed: 1)
    let whole = RawSafetensors.file([RawTensor("a", .f32, [3], using: &random)])
    try open(whole)
    for count in 0..<whole.count {
      #expect(throws: SafetensorsError.self) { try open(Array(whole[..<count])) }
    }
  }

  // MARK: - Text

  @Test("a header that is not UTF-8 is refused")
  func notUTF8() {
    let header = Array("{\"a".utf8) + [0xFF] + Array("\":1}".utf8)
    expect(
      .malformedHeader(file: path, offset: 10, expected: "valid UTF-8"),
      RawSafetensors.file(headerBytes: header)
    )
  }

  @Test(
    "a header that is not a JSON object is refused",
    arguments: [
      "", " ", "null", "[]", "1", "\"a\"", "{", "{}x", "{}{}", "{\"a\":}", "{,}", "\u{0}",
    ]
  )
  func notJSON(header: String) {
    expectMalformed(header)
  }

  @Test("an entry that is not an object is refused", arguments: ["1", "null", "[]", "\"F32\""])
  func entryNotObject(value: String) {
    expectMalformed("{\"a\":\(value)}", at: 13)
  }

  @Test("a NUL in a tensor's name is refused")
  func nul() {
    expectMalformed(#"{"a\u0000b":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}"#)
  }

  @Test("nesting deeper than any header needs is refused")
  func depth() {
    let deep = String(repeating: "[", count: 100_000)
    expectMalformed("{\"a\":{\"extra\":\(deep)")
    expectMalformed(deep)
  }

  // MARK: - Fields

  @Test(
    "a type that is not a string is refused",
    arguments: ["1", "null", "[\"F32\"]", "{}", "true"]
  )
  func typeNotString(value: String) {
    expectMalformed("{\"a\":{\"dtype\":\(value),\"shape\":[1],\"data_offsets\":[0,4]}}", buffer: 4)
  }

  @Test(
    "a shape that is not a list of counts is refused",
    arguments: [
      "null", "1", "\"1\"", "[1.0]", "[-1]", "[1e0]", "[\"1\"]", "[null]", "[[1]]", "{}",
      "[9223372036854775808]", "[18446744073709551617]", "[01]", "[1,]",
    ]
  )
  func shapeNotCounts(value: String) {
    expectMalformed(
      "{\"a\":{\"dtype\":\"F32\",\"shape\":\(value),\"data_offsets\":[0,4]}}",
      buffer: 4
    )
  }

  @Test(
    "data_offsets that are not two counts are refused",
    arguments: [
      "null", "4", "[]", "[0]", "[0,4,4]", "[0,4.0]", "[-4,0]", "[0,\"4\"]", "[0,4e0]", "[null,4]",
      "[0,9223372036854775808]", "{\"begin\":0,\"end\":4}",
    ]
  )
  func offsetsNotPair(value: String) {
    expectMalformed(
      "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":\(value)}}",
      buffer: 4
    )
  }

  @Test("a field that is missing is named", arguments: ["dtype", "shape", "data_offsets"])
  func missingField(field: String) {
    let fields = ["dtype": "\"F32\"", "shape": "[1]", "data_offsets": "[0,4]"]
    let entry = fields.keys.sorted().filter { $0 != field }
      .map { "\"\($0)\":\(fields[$0] ?? "")" }.joined(separator: ",")
    expect(
      .missingField(file: path, tensor: "a", field: field),
      RawSafetensors.file("{\"a\":{\(entry)}}", [0, 0, 0, 0])
    )
  }

  @Test("a field that is there twice is refused")
  func fieldTwice() {
    let header = #"{"a":{"dtype":"U8","shape":[1],"shape":[1],"data_offsets":[0,1]}}"#
    expect(.duplicateName(file: path, name: "a.shape"), RawSafetensors.file(header, [0]))
  }

  @Test("a field that nothing is known of is passed over")
  func unknownField() throws {
    try open(
      RawSafetensors.file(
        #"{"a":{"extra":[1,{}],"dtype":"U8","shape":[1],"more":null,"data_offsets":[0,1]}}"#,
        [0]
      )
    )
  }

  // MARK: - Metadata

  @Test(
    "metadata other than strings is refused",
    arguments: ["1", "null", "true", "[\"a\"]", "{}", "1.5"]
  )
  func metadataNotString(value: String) {
    expectMalformed("{\"__metadata__\":{\"k\":\(value)}}", at: 29)
  }

  @Test("metadata that is no object is refused", arguments: ["1", "null", "[]", "\"a\""])
  func metadataNotObject(value: String) {
    expectMalformed("{\"__metadata__\":\(value)}", at: 24)
  }

  @Test("a tensor called __metadata__ is refused")
  func tensorCalledMetadata() {
    expectMalformed("{" + RawSafetensors.entry("__metadata__", "U8", [1], 0..<1) + "}", buffer: 1)
  }

  @Test("a metadata key that is there twice is refused")
  func metadataTwice() {
    expect(
      .duplicateName(file: path, name: "__metadata__.k"),
      RawSafetensors.file(#"{"__metadata__":{"k":"a","k":"b"}}"#)
    )
    expect(
      .duplicateName(file: path, name: "__metadata__"),
      RawSafetensors.file(#"{"__metadata__":{},"__metadata__":{}}"#)
    )
  }

  // MARK: - Tensors

  @Test("a name that is there twice is refused, however it is spelt")
  func nameTwice() {
    let first = RawSafetensors.entry("a", "U8", [1], 0..<1)
    let second = RawSafetensors.entry("a", "U8", [1], 1..<2)
    expect(
      .duplicateName(file: path, name: "a"),
      RawSafetensors.file("{\(first),\(second)}", [0, 0])
    )
    let escaped = second.replacing("\"a\"", with: "\"\\u0061\"")
    expect(
      .duplicateName(file: path, name: "a"),
      RawSafetensors.file("{\(first),\(escaped)}", [0, 0])
    )
  }

  @Test("two names that only look the same are two tensors")
  func canonicalEquivalence() throws {
    let names = ["caf\u{E9}", "cafe\u{301}"]
    let bytes = RawSafetensors.file([
      RawTensor(names[0], .u8, [1], [1]), RawTensor(names[1], .u8, [1], [2]),
    ])
    let path = try folder.write(bytes, to: "model.safetensors")
    #expect(try SafetensorsReader(path).tensors.count == 2)
  }

  @Test("a size other than shape times type is refused")
  func wrongSize() {
    for (shape, size) in [([2], 4), ([1], 8), ([0], 4), ([2, 2], 15), ([], 0)] {
      let header = "{" + RawSafetensors.entry("a", "F32", shape, 0..<size) + "}"
      expect(
        .wrongSize(file: path, tensor: "a", expected: shape.reduce(4, *), got: size),
        RawSafetensors.file(header, [UInt8](repeating: 0, count: size))
      )
    }
  }

  @Test("offsets that end before they begin are refused")
  func reversed() {
    let header = #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#
    expect(.reversedOffsets(file: path, tensor: "a"), RawSafetensors.file(header, [0, 0, 0, 0]))
  }

  @Test(
    "a shape that cannot be counted is refused",
    arguments: [
      ("U8", [Int.max, 2]), ("F32", [1 << 62]), ("F64", [1 << 32, 1 << 32]), ("X9", [Int.max, 2]),
      ("F4", [3]), ("F6_E2M3", [2]),
    ]
  )
  func invalidShape(type: String, shape: [Int]) {
    let header = "{" + RawSafetensors.entry("a", type, shape, 0..<2) + "}"
    let error = #expect(throws: SafetensorsError.self) {
      try open(RawSafetensors.file(header, [0, 0]))
    }
    guard case .invalidShape(path, "a", _) = error else {
      Issue.record("another error: \(String(describing: error))")
      return
    }
  }

  @Test("offsets that overflow are refused and not added up")
  func offsetOverflow() {
    let size = Int.max
    let header = "{" + RawSafetensors.entry("a", "U8", [size], 0..<size) + "}"
    let error = #expect(throws: SafetensorsError.self) { try open(RawSafetensors.file(header)) }
    guard case .invalidShape(path, "a", _) = error else {
      Issue.record("another error: \(String(describing: error))")
      return
    }
  }

  @Test("a hole, an overlap and a late start are refused")
  func notContiguous() {
    func file(_ second: Range<Int>, first: Range<Int> = 0..<4) -> [UInt8] {
      let entries = [
        RawSafetensors.entry("a", "U8", [first.count], first),
        RawSafetensors.entry("b", "U8", [second.count], second),
      ]
      return RawSafetensors.file(
        "{\(entries.joined(separator: ","))}",
        [UInt8](repeating: 0, count: second.upperBound)
      )
    }
    expect(.notContiguous(file: path, tensor: "b", expected: 4, got: 5), file(5..<8))
    expect(.notContiguous(file: path, tensor: "b", expected: 4, got: 3), file(3..<8))
    expect(.notContiguous(file: path, tensor: "b", expected: 4, got: 0), file(0..<8))
    expect(.notContiguous(file: path, tensor: "a", expected: 0, got: 1), file(4..<8, first: 1..<4))
    expect(.notContiguous(file: path, tensor: "b", expected: 4, got: 0), file(0..<4))
  }

  @Test("ten tensors that share their bytes are refused")
  func shared() {
    let entries = (0..<10).map { RawSafetensors.entry("weight_\($0)", "F32", [2, 2], 0..<16) }
    expect(
      .notContiguous(file: path, tensor: "weight_1", expected: 16, got: 0),
      RawSafetensors.file(
        "{\(entries.joined(separator: ","))}",
        [UInt8](repeating: 0, count: 16)
      )
    )
  }

  @Test("an empty tensor inside another is refused")
  func emptyInside() {
    let entries = [
      RawSafetensors.entry("a", "U8", [4], 0..<4), RawSafetensors.entry("e", "U8", [0], 2..<2),
    ]
    expect(
      .notContiguous(file: path, tensor: "e", expected: 4, got: 2),
      RawSafetensors.file("{\(entries.joined(separator: ","))}", [0, 0, 0, 0])
    )
  }

  @Test("bytes behind the tensors, or too few, are refused", arguments: [0, 2, 3, 5, 100])
  func wrongBufferLength(count: Int) {
    let header = "{" + RawSafetensors.entry("a", "F32", [1], 0..<4) + "}"
    expect(
      .wrongBufferLength(file: path, expected: 4, got: count),
      RawSafetensors.file(header, [UInt8](repeating: 0, count: count))
    )
  }

  @Test("bytes behind a header without tensors are refused")
  func trailing() {
    expect(.wrongBufferLength(file: path, expected: 0, got: 1), RawSafetensors.file("{}", [0]))
  }
}
