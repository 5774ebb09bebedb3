import Fixtures
import GGUF
import JSON
import SystemPackage
import Testing

/// README.md and generation_config.json in a GGUF file, against the `gguf` package.
@Suite struct ModelCardTests {
  /// Folders with what `gguf.Metadata` makes of them; see Fixtures/README.md.
  private static let cases: [JSONValue] =
    (try? JSONValue(
      parsing: ScratchFolder.bytes(of: Fixtures.path("oracles/gguf/model-cards.json"))
    ).array) ?? []

  @Test("seven folders were read") func count() { #expect(ModelCardTests.cases.count == 7) }

  @Test("keys, types and their order are the gguf package's", arguments: 0..<7)
  func keys(number: Int) throws {
    let scratch = try ScratchFolder()
    let one = ModelCardTests.cases[number]
    let name = try #require(one["folder"]?.string)
    let model = try scratch.copy(Sample.micro, as: name)
    try scratch.write("\(name)/README.md", try #require(one["readme"]?.string))
    if let settings = one["generation_config"], !settings.isNull {
      try scratch.write("\(name)/generation_config.json", settings.text(pretty: false))
    }
    try Moepack.succeed("convert", model, "-o", scratch("x.gguf"))
    let metadata = try GGUFCollection(FilePath(scratch("x.gguf"))).metadata
    let expected: [(String, GGUFValue)] = try (one["keys"]?.array ?? []).map { entry in
      let value = try #require(entry[2])
      let typed: GGUFValue? =
        switch entry[1]?.string {
        case "string": value.string.map { .string($0) }
        case "uint32": value.integer.map { .uint32(UInt32($0)) }
        case "int32": value.integer.map { .int32(Int32($0)) }
        case "float32": value.double.map { .float32(Float($0)) }
        default: .array(GGUFArray((value.array ?? []).compactMap(\.string)))
        }
      return (try #require(entry[0]?.string), try #require(typed))
    }
    let own = ["general.architecture", "general.type", "general.file_type"]
    // Where no name says the size, the converter computes it, as the other oracles show.
    let saysSize = expected.contains { $0.0 == "general.size_label" }
    let ours = metadata.filter { key, _ in
      key.hasPrefix("general.") && !own.contains(key) && key != "general.quantization_version"
        && (saysSize || key != "general.size_label")
    }
    #expect(ours.map(\.key) == expected.map(\.0))
    for ((key, value), (_, wanted)) in zip(ours, expected) { #expect(value == wanted, "\(key)") }
  }
}
