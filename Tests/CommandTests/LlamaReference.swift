import Fixtures
import Foundation
import JSON
import Testing

/// Stock llama.cpp, where the prebuilt library of a PyPI wheel is installed.
///
/// `MOEPACK_LLAMA_PYTHON` names a Python that has `xllamacpp` and `cffi`;
/// `../shared/tools/llama_reference.py` says how to make one.
enum LlamaReference {
  /// Python and script; nil where one of them is missing.
  private static let program: (python: String, script: String)? = {
    let named = ProcessInfo.processInfo.environment["MOEPACK_LLAMA_PYTHON"]
    let candidates = named.map { [$0] } ?? []
    guard let python = candidates.first(where: FileManager.default.isExecutableFile),
      let script = Fixtures.shared("tools/llama_reference.py")
    else { return nil }
    return (python, script)
  }()

  /// Whether it can be asked; says why a test is skipped if not.
  static var isThere: Bool {
    if program == nil {
      print(
        "SKIPPED: no llama.cpp to compare with; MOEPACK_LLAMA_PYTHON names a Python with xllamacpp,"
          + " and ../shared/tools/llama_reference.py uses it"
      )
    }
    return program != nil
  }

  /// The perplexity llama.cpp finds, over windows of `context` ids; nil if it refuses a file.
  static func perplexity(_ model: String, ids: String, context: Int, lora: String? = nil) throws
    -> Double?
  {
    // The wheel crashes now and then while it is loaded; a file that is refused gives a status.
    for _ in 0..<3 {
      let (answer, hasCrashed) = try ask(model, ids: ids, context: context, lora: lora)
      if !hasCrashed { return answer }
    }
    return nil
  }

  /// Whether the `gguf` package opens a file and finds `tensors` tensors; nil if it is not installed.
  static func opens(_ model: String, tensors: Int) throws -> Bool? {
    guard let program else { return nil }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program.python)
    process.arguments = [
      "-c",
      """
      import sys
      try: import gguf
      except ImportError: sys.exit(3)
      sys.exit(0 if len(gguf.GGUFReader(sys.argv[1]).tensors) == int(sys.argv[2]) else 1)
      """,
      model, "\(tensors)",
    ]
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    return process.terminationStatus == 3 ? nil : process.terminationStatus == 0
  }

  private static func ask(_ model: String, ids: String, context: Int, lora: String?) throws -> (
    perplexity: Double?, hasCrashed: Bool
  ) {
    guard let program else { return (nil, false) }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program.python)
    process.arguments =
      [program.script, "ppl", model, ids, "--context", "\(context)"]
      + (lora.map { ["--lora", $0] } ?? [])
    let output = Pipe()
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    if process.terminationReason == .uncaughtSignal { return (nil, true) }
    guard process.terminationStatus == 0 else { return (nil, false) }
    return (try JSONValue(parsing: Array(data))["perplexity"]?.double, false)
  }
}
