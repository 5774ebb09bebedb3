import JSON
import Pack
import Storage
import SystemPackage
import TestSupport
import Testing

@testable import Checkpoint

/// The kept experts that a compressed pack lists must be experts of its configuration.
@Suite("Expert table")
struct ExpertTableTests {
  private let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  /// Opens a pack of a tiny Qwen2-MoE with experts in layer 1 and 3 whose model section is `text`.
  private func open(_ text: String, configuration: String? = nil) throws -> Checkpoint {
    let model = TinyModel.qwen2MoE(moeLayers: [1, 3], layers: 4)
    let json = Array((configuration ?? model.configuration.text(pretty: true)).utf8)
    var pack = HandmadePack(hash: { Checksum.of($0) })
    pack.add("config.json", "U8", [json.count], json, kind: 1)
    pack.addFile("config.json", kind: 0, part: 0)
    for tensor in model.tensors { pack.add(tensor.name, "BF16", tensor.shape, tensor.bytes) }
    pack.model = Array(text.utf8)
    return try Checkpoint(try folder.write(pack.bytes(), to: "x.moepack").string)
  }

  private func layers(_ entries: String...) -> String {
    "{\"kind\":\"compressed\",\"layers\":[\(entries.joined(separator: ","))]}"
  }

  private let first = #"{"layer":1,"kept":[0,2]}"#
  private let second = #"{"layer":3,"kept":[1,2,3]}"#

  @Test("the kept experts are read, in any order of layers")
  func kept() throws {
    for text in [layers(first, second), layers(second, first)] {
      #expect(try open(text).keptExperts == [1: [0, 2], 3: [1, 2, 3]])
    }
  }

  @Test("a lossless pack keeps all")
  func lossless() throws {
    let all = [0, 1, 2, 3]
    let checkpoint = try open(#"{"kind":"lossless"}"#)
    #expect(checkpoint.keptExperts == [1: all, 3: all])
    try checkpoint.requireComplete()
  }

  @Test(
    "a list that is no set of experts is refused",
    arguments: [
      #"{"layer":1,"kept":[]}"#, #"{"layer":1,"kept":[2,0]}"#, #"{"layer":1,"kept":[0,0]}"#,
      #"{"layer":1,"kept":[0,4]}"#, #"{"layer":1,"kept":[-1,0]}"#, #"{"layer":1,"kept":[0,"1"]}"#,
      #"{"layer":1,"kept":[0,1.5]}"#, #"{"layer":1,"kept":2}"#, #"{"layer":1}"#, #"{"kept":[0,1]}"#,
      #"{"layer":"1","kept":[0,1]}"#, #"{"layer":0,"kept":[0,1]}"#, #"{"layer":9,"kept":[0,1]}"#,
      #"{"layer":3,"kept":[0,1]}"#, "1", "null", #"{"layer":1,"kept":[0,9223372036854775808]}"#,
    ]
  )
  func refused(entry: String) {
    let error = #expect(throws: PackError.self) { try open(layers(entry, second)) }
    guard case .malformed(_, "model section", _) = error else {
      Issue.record("another error: \(String(describing: error))")
      return
    }
  }

  @Test("a table that leaves a layer out is refused")
  func incomplete() {
    #expect(throws: PackError.self) { try open(layers(first)) }
    #expect(throws: PackError.self) { try open(layers()) }
  }

  @Test("a configuration that does not parse is named inside its pack")
  func configuration() throws {
    let error = #expect(throws: CheckpointError.self) { try open("{}", configuration: "{") }
    guard case .malformedFile(let file, _) = error else {
      Issue.record("another error: \(String(describing: error))")
      return
    }
    #expect(file == folder("x.moepack").string + ": config.json")
  }

  @Test("tensors of experts that the table leaves out are unexplained")
  func pruned() throws {
    let checkpoint = try open(layers(first, second))
    #expect(throws: CheckpointError.self) { try checkpoint.requireComplete() }
  }
}
