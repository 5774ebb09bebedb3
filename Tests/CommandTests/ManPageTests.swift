import Fixtures
import JSON
import Testing

/// The pages in man/ against the commands as they are declared.
@Suite struct ManPageTests {
  static let folder = Fixtures.path("../man")

  /// A page as words, macros and escapes of mdoc taken away.
  static func words(_ page: String) -> [Substring] {
    page.replacing("\\-", with: "-").replacing("\\&", with: "").replacing("\\e", with: "\\")
      .replacing("\"", with: "").split { $0 == " " || $0 == "\n" }
  }

  /// The long options a page has an item for, as `.It Fl o , -output Ar path`.
  static func options(_ page: String) -> Set<String> {
    let items = page.split(separator: "\n").filter { $0.hasPrefix(".It Fl ") }
    return Set(
      items.flatMap { $0.split(separator: " ") }.filter { $0.hasPrefix("-") }.map {
        String($0.dropFirst())
      }
    )
  }

  @Test("every command has a page with its words and options, and no others")
  func pagesAreCurrent() throws {
    let pages = (try? ScratchFolder.names(in: ManPageTests.folder))?.filter { $0.hasSuffix(".1") }
    guard let pages, !pages.isEmpty else {
      print("SKIPPED: no pages in man/; make man makes them")
      return
    }
    let dump = try Moepack.succeed("--experimental-dump-help")
    let root = try #require(try JSONValue(parsing: dump.output)["command"])
    let commands = (root["subcommands"]?.array ?? []).filter { $0["commandName"] != "help" }
    let names = commands.compactMap { $0["commandName"]?.string }
    #expect(pages == (names.map { "moepack.\($0).1" } + ["moepack.1"]).sorted())
    for command in [root] + commands {
      let name = try #require(command["commandName"]?.string)
      let file = name == "moepack" ? "moepack.1" : "moepack.\(name).1"
      let bytes = try ScratchFolder.bytes(of: "\(ManPageTests.folder)/\(file)")
      let page = String(decoding: bytes, as: UTF8.self)
      let words = ManPageTests.words(page)
      func says(_ text: String) -> Bool {
        let wanted = ManPageTests.words(text)
        return words.indices.contains { words[$0...].starts(with: wanted) }
      }
      #expect(says(try #require(command["abstract"]?.string)), "\(file): abstract")
      for line in (command["discussion"]?.string ?? "").split(separator: "\n") {
        #expect(says(String(line)), "\(file): \(line)")
      }
      var options: Set<String> = []
      for argument in command["arguments"]?.array ?? [] {
        if let text = argument["abstract"]?.string { #expect(says(text), "\(file): \(text)") }
        for option in argument["names"]?.array ?? [] where option["kind"] == "long" {
          options.insert(option["name"]?.string ?? "")
        }
      }
      #expect(ManPageTests.options(page) == options, "\(file)")
    }
  }
}
