import Fixtures
import JSON

/// One run of compress that several suites look at, made once.
enum Compressed {
  private static let made = Result {
    let scratch = try ScratchFolder()
    let run = try Moepack.run(
      ["compress", Sample.micro, "-o", scratch("x.moepack"), "--json"] + Sample.short
    )
    guard run.status == 0 else { throw ScratchError(call: run.complaint, path: "compress") }
    return (folder: scratch, report: try JSONValue(parsing: run.output))
  }

  /// The pack: micro-qwen2moe with the defaults and `Sample.short`.
  static func pack() throws -> String { try made.get().folder("x.moepack") }

  /// What the run printed.
  static func report() throws -> JSONValue { try made.get().report }
}
