import Glibc
import Targets

/// Starts children until the time is up, and keeps what ended them early.
struct Parent {
  private let name: String
  private let arguments: Arguments
  private let scratch = ScratchPath()

  init(_ type: any FuzzTarget.Type, _ arguments: Arguments) {
    name = type.name
    self.arguments = arguments
  }

  /// Fuzzes.
  ///
  /// - Returns: How many inputs failed.
  func run() -> Int {
    defer { scratch.remove() }
    let start = time(nil)
    var first = arguments.first
    var failures = 0
    var (inputs, opened) = (0, 0)
    repeat {
      let left = max(1, arguments.seconds - (time(nil) - start))
      let state = runChild(first: first, seconds: left)
      if state == 0 {
        if !arguments.replay.isEmpty { return failures }
        let counts = output().split(whereSeparator: \.isWhitespace).compactMap { Int($0) }
        inputs += counts.first ?? 0
        opened += counts.last ?? 0
        break
      }
      guard access("\(scratch.path)/input", F_OK) == 0 else {
        complain("\(name): the child does not start (\(reason(state)))")
        return failures + 1
      }
      failures += 1
      let number = progress()
      keep(number, state)
      if !arguments.replay.isEmpty { return failures }
      inputs += number + 1 - first
      first = number + 1
    } while failures < 20 && time(nil) - start < arguments.seconds
    print(
      "\(name): seed \(arguments.seed), \(inputs) inputs in \(time(nil) - start) s, \(opened) opened"
        + " by the last child, \(failures) failed"
    )
    return failures
  }

  private func runChild(first: Int, seconds: Int) -> Int32 {
    unlink("\(scratch.path)/reason")
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    let flags = O_WRONLY | O_CREAT | O_TRUNC
    posix_spawn_file_actions_addopen(&actions, 1, "\(scratch.path)/output", flags, 0o644)
    var line = [
      "/proc/self/exe", name, "--child", scratch.path, "--seed", "\(arguments.seed)", "--from",
      "\(first)", "--seconds", "\(seconds)",
    ]
    if !arguments.replay.isEmpty { line += ["--replay"] + arguments.replay }
    var words: [UnsafeMutablePointer<CChar>?] = line.map { strdup($0) }
    words.append(nil)
    defer { for word in words { free(word) } }
    var process = pid_t()
    guard posix_spawn(&process, line[0], &actions, nil, words, environ) == 0 else { return -1 }
    var state: Int32 = 0
    while waitpid(process, &state, 0) < 0, errno == EINTR {}
    return state
  }

  private func output() -> String {
    String(decoding: contents(of: "\(scratch.path)/output") ?? [], as: UTF8.self)
  }

  private func progress() -> Int {
    let bytes = contents(of: "\(scratch.path)/progress") ?? []
    return bytes.count < 8 ? 0 : bytes.reversed().reduce(0) { $0 << 8 | Int($1) }
  }

  private func reason(_ state: Int32) -> String {
    switch state & 0x7F {
    case 0:
      let text = contents(of: "\(scratch.path)/reason").map { String(decoding: $0, as: UTF8.self) }
      return text ?? "exit \(state >> 8 & 0xFF)"
    case SIGPROF: return "took more than two seconds"
    case SIGALRM: return "hung"
    case let signal: return "crashed with signal \(signal)"
    }
  }

  private func keep(_ number: Int, _ state: Int32) {
    let path = "fuzz-\(name)-\(arguments.seed)-\(number)"
    save(contents(of: "\(scratch.path)/input") ?? [], to: path)
    complain("\(name): input \(number) of seed \(arguments.seed) \(reason(state)); kept as \(path)")
  }
}
