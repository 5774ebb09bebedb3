import GGUF
import Storage
import TestSupport
import Testing

@testable import Conversion

@Suite("Chat templates in files")
struct ChatTemplateFileTests {
  private let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  @Test("a template is taken byte for byte")
  func verbatim() throws {
    let text = "\u{FEFF}{% for m in messages %}\r\n{{ m['é'] }}\n{% endfor %}\n\n"
    #expect(try ChatTemplateFile.read(folder.write(text, to: "t.jinja")) == .string(text))
  }

  @Test(
    "what is no template is refused by name",
    arguments: [
      ([], "--remove"), ([0xC3], "UTF-8"), ([0x61, 0], "NUL"),
    ] as [([UInt8], String)]
  )
  func refused(bytes: [UInt8], word: String) throws {
    let path = try folder.write(bytes, to: "t.jinja")
    let error = #expect(throws: GGUFEditError.self) { try ChatTemplateFile.read(path) }
    #expect(error?.description.contains("t.jinja") == true)
    #expect(error?.description.contains(word) == true)
  }

  @Test("a missing file is an error of reading")
  func missing() {
    #expect(throws: StorageError.self) { try ChatTemplateFile.read(folder("t.jinja")) }
  }
}
