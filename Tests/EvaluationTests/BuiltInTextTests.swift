import Fixtures
import SystemPackage
import Testing

@testable import Evaluation

/// The calibration text inside the tool.
@Suite struct BuiltInTextTests {
  @Test("it is Fixtures/text/calibration.jsonl byte for byte")
  func equalsTheFixture() throws {
    let bytes = try ScratchFolder.bytes(of: Fixtures.path("text/calibration.jsonl"))
    #expect(try TextSource.builtInBytes() == bytes)
  }

  @Test("its documents are those of the file")
  func documentsAreTheSame() throws {
    let file = TextSource.file(FilePath(Fixtures.path("text/calibration.jsonl")))
    let builtIn = try TextSource.builtIn()
    #expect(try builtIn.documents() == file.documents())
    #expect(builtIn.name == TextSource.builtInName)
  }
}
