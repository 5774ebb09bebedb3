import GGUF
import SystemPackage
import Testing

@testable import Conversion

@Suite("Edits of GGUF metadata")
struct GGUFMetadataEditsTests {
  private let metadata = GGUFMetadata([
    ("general.architecture", .string("llama")), ("general.name", .string("old")),
    ("llama.block_count", .uint32(4)), ("llama.rope.freq_base", .float32(10_000)),
    ("tokenizer.ggml.tokens", .array(GGUFArray(["a", "b"]))),
  ])

  private func apply(_ add: (inout GGUFMetadataEdits) throws -> Void) throws
    -> (metadata: GGUFMetadata, changes: [GGUFMetadataChange])
  {
    var edits = GGUFMetadataEdits()
    try add(&edits)
    return try edits.apply(to: metadata, of: "m.gguf")
  }

  private func refused(
    saying words: String...,
    add: (inout GGUFMetadataEdits) throws -> Void
  ) {
    let error = #expect(throws: GGUFEditError.self) { try apply(add) }
    let text = error?.description ?? ""
    for word in words { #expect(text.contains(word), "no '\(word)' in: \(text)") }
  }

  @Test("a key that is set keeps its place and its type, a new one goes to the end")
  func set() throws {
    let (result, changes) = try apply {
      try $0.set("llama.block_count", to: "5")
      try $0.set("x.list", to: "[1,2]", type: GGUFTypeName("[i16]"))
      try $0.set("tokenizer.ggml.tokens", to: #"["c"]"#)
      try $0.set("general.name", to: "7", type: GGUFTypeName("u8"))
    }
    #expect(
      result
        == GGUFMetadata([
          ("general.architecture", .string("llama")), ("general.name", .uint8(7)),
          ("llama.block_count", .uint32(5)), ("llama.rope.freq_base", .float32(10_000)),
          ("tokenizer.ggml.tokens", .array(GGUFArray(["c"]))),
          ("x.list", .array(GGUFArray([1, 2] as [Int16]))),
        ])
    )
    #expect(
      changes.map(\.key) == [
        "llama.block_count", "x.list", "tokenizer.ggml.tokens", "general.name",
      ]
    )
    #expect(changes[0].kind == .set(from: .uint32(4), to: .uint32(5)))
    #expect(changes[1].kind == .set(from: nil, to: .array(GGUFArray([1, 2] as [Int16]))))
  }

  @Test(
    "a renamed key keeps its place, a removed one is gone, in whatever order they are asked for"
  )
  func renameAndRemove() throws {
    let (result, changes) = try apply {
      try $0.rename("general.name", to: "general.basename")
      try $0.remove("llama.rope.freq_base")
      try $0.rename("llama.block_count", to: "x.count")
    }
    #expect(
      result.map(\.key) == [
        "general.architecture", "general.basename", "x.count", "tokenizer.ggml.tokens",
      ]
    )
    #expect(result["general.basename"] == .string("old"))
    #expect(
      changes.map(\.kind) == [
        .renamed(to: "general.basename"), .removed(.float32(10_000)), .renamed(to: "x.count"),
      ]
    )
  }

  @Test("keys are told apart by bytes")
  func bytes() throws {
    let (one, two) = ("x.\u{E9}", "x.e\u{301}")
    var edits = GGUFMetadataEdits()
    try edits.rename(one, to: "x.one")
    try edits.set(two, to: "2", type: GGUFTypeName("u8"))
    let (result, _) = try edits.apply(
      to: GGUFMetadata([(one, .uint8(0)), (two, .uint8(1))]),
      of: "m.gguf"
    )
    #expect(result == GGUFMetadata([("x.one", .uint8(0)), (two, .uint8(2))]))
  }

  @Test("a key that is not there is refused with those like it")
  func missing() {
    refused(saying: "m.gguf", "'general.nme'", "similar: 'general.name'") {
      try $0.remove("general.nme")
    }
    refused(saying: "'qwen2moe.block_count'", "'llama.block_count'") {
      try $0.rename("qwen2moe.block_count", to: "x")
    }
    refused(saying: "moepack inspect") { try $0.remove("nothing.of.the.kind") }
    refused(saying: "'llama.blok_count'", "'llama.block_count'", "llama.blok_count:TYPE=VALUE") {
      try $0.set("llama.blok_count", to: "5")
    }
  }

  @Test("a key cannot take the name of another")
  func taken() {
    refused(saying: "'general.name'", "there already") {
      try $0.rename("llama.block_count", to: "general.name")
    }
  }

  @Test("a key is named once")
  func twice() {
    refused(saying: "'a' is to be changed twice") {
      try $0.set("a", to: "1", type: GGUFTypeName("u8"))
      try $0.remove("a")
    }
    refused(saying: "twice") {
      try $0.rename("a", to: "b")
      try $0.rename("b", to: "c")
    }
    refused(saying: "twice") { try $0.rename("a", to: "a") }
    refused(saying: "empty") { try $0.set("", to: "1", type: GGUFTypeName("u8")) }
  }

  @Test(
    "what says how the files are split is not edited",
    arguments: [
      "split.no", "split.count", "split.tensors.count", "split.else",
    ]
  )
  func splits(key: String) {
    refused(saying: key, "moepack split") { try $0.set(key, to: "1", type: GGUFTypeName("u16")) }
    refused(saying: key) { try $0.set(key, to: GGUFValue.uint16(1)) }
    refused(saying: key) { try $0.remove(key) }
    refused(saying: key) { try $0.rename(key, to: "x") }
    refused(saying: key) { try $0.rename("general.name", to: key) }
  }

  @Test("the architecture may be set to text, and neither removed nor renamed")
  func architecture() throws {
    let key = "general.architecture"
    #expect(try apply { try $0.set(key, to: "llama4") }.metadata[key] == .string("llama4"))
    refused(saying: key, "removed") { try $0.remove(key) }
    refused(saying: key, "renamed") { try $0.rename(key, to: "x") }
    refused(saying: key, "renamed") { try $0.rename("general.name", to: key) }
    refused(saying: key, "str") { try $0.set(key, to: "1", type: GGUFTypeName("u8")) }
    refused(saying: key, "str") { try $0.set(key, to: "") }
  }

  @Test("the alignment may be set to what a file may have")
  func alignment() throws {
    let key = "general.alignment"
    for value in ["8", "64", "1048576"] {
      #expect(try apply { try $0.set(key, to: value) }.metadata[key]?.integer == Int(value))
    }
    for value in ["0", "4", "48", "2097152"] {
      refused(saying: key, "power of two", "8", "1048576") { try $0.set(key, to: value) }
    }
    refused(saying: key, "u32") { try $0.set(key, to: "64", type: GGUFTypeName("u64")) }
    refused(saying: key) { try $0.set(key, to: "-1") }
    refused(saying: key) { try $0.rename("general.name", to: key) }
  }

  @Test("a value that does not fit the type in the file names file, key and range")
  func unfit() {
    refused(saying: "m.gguf", "'llama.block_count'", "u32", "0...4294967295") {
      try $0.set("llama.block_count", to: "-1")
    }
    refused(saying: "'x'", "u8", "0...255") { try $0.set("x", to: "256", type: GGUFTypeName("u8")) }
  }
}
