internal import Glibc
internal import LinearAlgebra
internal import Storage
internal import Synchronization

/// What happens on SIGINT and SIGTERM: the line that goes on is printed and the process leaves at
/// once, without waiting for a computation.
///
/// Nothing has to be saved then: a journal is synced with every entry.
enum Interruption {
  private static let lastWords = Mutex<String?>(nil)

  /// Says, until the run ends, that the same command goes on where this one was stopped.
  static func announce(_ words: String?) { lastWords.withLock { $0 = words } }

  /// The command line that goes on where this run is stopped.
  static var resumingLine: String {
    CommandLine.arguments.filter { $0 != "--restart" }.map(quoted).joined(separator: " ")
  }

  private static func quoted(_ word: String) -> String {
    let plain = word.allSatisfy {
      $0.isASCII && ($0.isLetter || $0.isNumber || "-_./=:,+@%".contains($0))
    }
    return plain && !word.isEmpty
      ? word : "'" + word.replacing("'", with: "'\\''") + "'"
  }

  /// Starts to watch signals, and for the end of memory.
  static func watch() {
    ProcessSignals.watch([SIGINT, SIGTERM]) { Interruption.leave($0) }
    MemoryExhaustion.handler = { byteCount in
      let words = lastWords.withLock { $0 }
      TemporaryWork.removeAll {
        Console.note(
          "Error: out of memory: the system has none left for \(SafeText.bytes(byteCount)); give"
            + " --memory or fewer --threads" + (words.map { "; \($0)" } ?? "")
        )
        _exit(1)
      }
    }
  }

  private static func leave(_ number: Int32) -> Never {
    TemporaryWork.removeAll { sayAndExit(number) }
  }

  private static func sayAndExit(_ number: Int32) -> Never {
    let words = lastWords.withLock { $0 }
    let start = Console.isInteractive ? "\n" : ""
    Console.note("\(start)interrupted" + (words.map { "; \($0)" } ?? ""))
    _exit(128 + number)
  }
}
