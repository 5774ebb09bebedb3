internal import Glibc
internal import JSON

/// Standard output carries results, standard error everything else.
enum Console {
  /// A result.
  static func print(_ text: String) { write(text + "\n", to: output) }

  /// A result for scripts.
  static func print(_ json: JSONValue) { print(json.text(pretty: true)) }

  /// Something the user should know.
  static func warn(_ text: String) {
    write("warning: \(SafeText.shown(text, limit: 4000))\n", to: errors)
  }

  /// A line of progress.
  static func note(_ text: String) { write(text + "\n", to: errors) }

  /// Whether standard error is a terminal.
  static var isInteractive: Bool { isatty(2) == 1 }

  /// Writes all of `text` to a descriptor.
  static func write(_ text: String, to descriptor: Int32) {
    var text = text
    text.withUTF8 { bytes in
      var done = 0
      while done < bytes.count {
        let count = Glibc.write(descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done)
        if count > 0 { done += count } else if errno != EINTR { return }
      }
    }
  }

  /// Standard output.
  static let output: Int32 = 1
  /// Standard error.
  static let errors: Int32 = 2
}
