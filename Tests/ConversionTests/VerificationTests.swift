import SystemPackage
import Tensors
import TestSupport
import Testing

@testable import Conversion

@Suite("Verification")
struct VerificationTests {
  private let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  private func problems(_ bytes: [UInt8], as name: String, deep: Bool = false) throws
    -> [Verification.Problem]
  {
    let path = try folder.write(bytes, to: name).string
    return Verification(path: path, threads: 2, isDeep: deep).run(begin: { _ in }) { _ in }
  }

  private func gguf(_ change: (inout RawGGUF) -> Void = { _ in }) -> [UInt8] {
    var file = RawGGUF.sound([("a", [5, 3]), ("b", [8])])
    change(&file)
    return file.bytes
  }

  @Test("a sound GGUF file has no problems")
  func sound() throws {
    #expect(try problems(gguf(), as: "x.gguf").isEmpty)
    #expect(try problems(gguf(), as: "x.gguf", deep: true).isEmpty)
  }

  @Test("what is read with a warning is a problem, once and with its place")
  func oddGGUF() throws {
    let cases: [([UInt8], place: String, word: String)] = [
      (gguf { $0.data[61] = 1 }, "byte", "padding"),
      (gguf { $0.data += Array(repeating: 0, count: 64) }, "byte", "64 bytes"),
      (
        gguf {
          $0.tensors = [RawGGUF.tensor("a", [8], at: 64), RawGGUF.tensor("b", [5, 3], at: 0)]
        }, "b", "llama.cpp"
      ),
    ]
    for (bytes, place, word) in cases {
      let found = try problems(bytes, as: "x.gguf")
      #expect(found.count == 1, "\(found)")
      #expect(found.first?.file == folder("x.gguf").string)
      #expect(found.first?.place.hasPrefix(place) == true, "\(found)")
      #expect(found.first?.message.contains(word) == true, "\(found)")
      #expect(found.first?.message.contains("x.gguf") == true, "\(found)")
    }
  }

  @Test("a GGUF file that cannot be opened is a problem")
  func brokenGGUF() throws {
    let found = try problems(Array(gguf().dropLast(40)), as: "x.gguf")
    #expect(found.map(\.place) == ["opening"])
  }

  @Test("values and block scales of GGUF are looked at with --deep only")
  func deepGGUF() throws {
    // NaN in the second row of 'a', and a Q8_0 block whose scale is infinite behind a sound one.
    let bytes = gguf { file in
      file.data.replaceSubrange(28..<32, with: [UInt8].littleEndian(Float.nan.bitPattern))
      file.tensors.append(RawGGUF.tensor("q", [32, 2], type: 8, at: UInt64(file.data.count)))
      for scale: UInt16 in [0x3C00, 0x7C00] {
        file.data += .littleEndian(scale) + Array(repeating: 0, count: 32)
      }
      while file.data.count % 32 != 0 { file.data.append(0) }
    }
    #expect(try problems(bytes, as: "x.gguf").isEmpty)
    let found = try problems(bytes, as: "x.gguf", deep: true)
    #expect(found.map(\.place) == ["a", "q"])
    #expect(found.first?.message.contains("[1, 2]") == true, "\(found)")
    #expect(found.last?.message.contains("[1, 0]") == true, "\(found)")
  }

  @Test("--deep looks at the values of safetensors whatever else is wrong")
  func deepSafetensors() throws {
    var model = TinyModel.mixtral(type: .f32)
    model.remove("model.norm.weight")
    let index = try #require(
      model.tensors.firstIndex { $0.name == "model.layers.1.self_attn.k_proj.weight" }
    )
    model.tensors[index].bytes.put(Float.infinity.bitPattern, at: 4 * 9)
    try model.write(to: folder, at: "m")
    func places(deep: Bool) -> [String] {
      Verification(path: folder("m").string, threads: 1, isDeep: deep)
        .run(begin: { _ in }) { _ in }.map(\.place)
    }
    #expect(places(deep: false) == ["tensors"])
    #expect(places(deep: true) == ["tensors", "model.layers.1.self_attn.k_proj.weight"])
  }

  @Test("--deep says where in a tensor of a pack a value is no number")
  func deepPack() throws {
    let place = try ConversionFolder()
    var model = TinyModel.mixtral(type: .f32)
    let index = try #require(model.tensors.firstIndex { $0.name == "lm_head.weight" })
    model.tensors[index].bytes.put(Float.nan.bitPattern, at: 4 * 11)
    try model.write(to: place.folder, at: "m")
    try place.convert("m", to: "m.moepack", .pack)
    for deep in [false, true] {
      let found = Verification(
        path: place.folder("m.moepack").string,
        threads: 1,
        isDeep: deep
      ).run(begin: { _ in }) { _ in }
      #expect(found.map(\.place) == ["lm_head.weight"])
      #expect(found.first?.message.contains("[1, 3]") == deep)
    }
  }

  @Test("a large F64 is a number")
  func largeDouble() throws {
    let file = RawSafetensors.file([
      RawTensor("x", .f64, [1], .littleEndian((1e300 as Double).bitPattern))
    ])
    #expect(try problems(file, as: "x.safetensors", deep: true).isEmpty)
  }
}
