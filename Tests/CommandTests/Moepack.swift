import Fixtures
import Glibc
import JSON
import Testing

/// Runs the built program.
///
/// It lies beside the bundle that runs the tests: on Linux that bundle is itself the running
/// program, so `/proc/self/exe` leads to the products folder.
enum Moepack {
  /// What a run left behind.
  struct Run {
    /// The exit status; nil where a signal ended it.
    var status: Int32?
    /// The signal that ended it, if one did.
    var signal: Int32?
    /// Standard output.
    var output: [UInt8]
    /// Standard error.
    var errors: [UInt8]

    var text: String { String(decoding: output, as: UTF8.self) }
    var complaint: String { String(decoding: errors, as: UTF8.self) }
  }

  /// Where standard output goes.
  enum Output {
    case kept
    /// Into a pipe that nobody reads.
    case brokenPipe
  }

  static let path: String = {
    var room = [UInt8](repeating: 0, count: Int(PATH_MAX))
    let count = room.withUnsafeMutableBytes { raw in
      raw.baseAddress.map {
        readlink("/proc/self/exe", $0.assumingMemoryBound(to: CChar.self), raw.count)
      } ?? 0
    }
    let bundle = String(decoding: room.prefix(max(0, count)), as: UTF8.self)
    let folder = bundle.lastIndex(of: "/").map { String(bundle[..<$0]) } ?? "."
    return folder + "/moepack"
  }()

  /// Runs `moepack` with `arguments`, in `folder`, and waits for it; `ending` is a signal to send it
  /// after so many milliseconds, `limit` what the shell's
  /// `ulimit` is told before, as `-f 1024`.
  static func run(
    _ arguments: [String],
    in folder: String? = nil,
    limit: String? = nil,
    output: Output = .kept,
    ending: (signal: Int32, after: UInt32)? = nil
  ) throws -> Run {
    try #require(access(path, X_OK) == 0, "no program at \(path); was the package built?")
    let scratch = try ScratchFolder()
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    let flags = O_WRONLY | O_CREAT | O_TRUNC
    var pipeEnds: [Int32] = [-1, -1]
    switch output {
    case .kept: posix_spawn_file_actions_addopen(&actions, 1, scratch("out"), flags, 0o644)
    case .brokenPipe:
      try #require(pipe(&pipeEnds) == 0)
      close(pipeEnds[0])
      _ = fcntl(pipeEnds[1], F_SETFD, FD_CLOEXEC)
      posix_spawn_file_actions_adddup2(&actions, pipeEnds[1], 1)
    }
    posix_spawn_file_actions_addopen(&actions, 2, scratch("err"), flags, 0o644)
    // glibc's action that changes the folder is hidden from Swift, so a shell does it.
    let limiting = limit.map { "ulimit \($0) && " } ?? ""
    let shell = ["/bin/sh", "-c", "\(limiting)cd \"$0\" && exec \"$@\"", folder ?? "."]
    let line = (folder == nil && limit == nil ? [] : shell) + [path] + arguments
    var words: [UnsafeMutablePointer<CChar>?] = line.map { strdup($0) }
    words.append(nil)
    defer { for word in words { free(word) } }
    var process = pid_t()
    let problem = posix_spawn(&process, line[0], &actions, nil, words, environ)
    if pipeEnds[1] >= 0 { close(pipeEnds[1]) }
    try #require(problem == 0, "posix_spawn: \(problem)")
    if let ending {
      usleep(1000 * ending.after)
      kill(process, ending.signal)
    }
    var state: Int32 = 0
    while waitpid(process, &state, 0) < 0 { try #require(errno == EINTR) }
    let signal = state & 0x7F
    return Run(
      status: signal == 0 ? state >> 8 & 0xFF : nil,
      signal: signal == 0 ? nil : signal,
      output: (try? ScratchFolder.bytes(of: scratch("out"))) ?? [],
      errors: try ScratchFolder.bytes(of: scratch("err"))
    )
  }

  /// Runs a command that must succeed.
  @discardableResult
  static func succeed(
    _ arguments: String...,
    in folder: String? = nil,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> Run {
    try succeed(arguments, in: folder, sourceLocation: sourceLocation)
  }

  /// Runs a command that must succeed.
  @discardableResult
  static func succeed(
    _ arguments: [String],
    in folder: String? = nil,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> Run {
    let run = try run(arguments, in: folder)
    #expect(
      run.status == 0,
      "\(arguments.joined(separator: " ")): \(run.complaint)",
      sourceLocation: sourceLocation
    )
    return run
  }

  /// Runs a command with `--json` that must succeed, and parses what it prints.
  static func json(
    _ arguments: String...,
    in folder: String? = nil,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> JSONValue {
    let run = try run(arguments + ["--json"], in: folder)
    #expect(
      run.status == 0,
      "\(arguments.joined(separator: " ")): \(run.complaint)",
      sourceLocation: sourceLocation
    )
    return try JSONValue(parsing: run.output)
  }

  /// Runs a command that must end with `status`, say each of `words` on standard error and nothing
  /// on standard output.
  @discardableResult
  static func fail(
    _ status: Int32,
    saying words: [String] = [],
    _ arguments: [String],
    in folder: String? = nil,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> Run {
    let run = try run(arguments, in: folder)
    let shown = Comment(rawValue: "moepack \(arguments.joined(separator: " ")): \(run.complaint)")
    #expect(run.status == status, shown, sourceLocation: sourceLocation)
    #expect(run.output.isEmpty, shown, sourceLocation: sourceLocation)
    #expect(!run.errors.isEmpty, shown, sourceLocation: sourceLocation)
    for word in words {
      #expect(
        run.complaint.contains(word),
        "no '\(word)' in: \(run.complaint)",
        sourceLocation: sourceLocation
      )
    }
    return run
  }
}

extension JSONValue {
  /// Keys of an object, in order.
  var keys: [String] { object?.keys ?? [] }

  /// The element at `index`, or nil.
  subscript(index: Int) -> JSONValue? {
    guard let array, array.indices.contains(index) else { return nil }
    return array[index]
  }

  /// The numbers of an array of whole numbers.
  var integers: [Int] { (array ?? []).compactMap(\.integer) }
}
