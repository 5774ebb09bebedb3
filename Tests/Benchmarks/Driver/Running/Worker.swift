import Glibc
import JSON

/// A program that stays, and times one thing whenever a word is written to it (`Worker/`, `peers/`).
final class Worker {
  /// What it said when it was ready.
  private(set) var facts: JSONValue = .null
  private let name: String
  /// File that receives its standard error.
  private let log: String
  private let process: pid_t
  private let input: UnsafeMutablePointer<FILE>
  private let output: UnsafeMutablePointer<FILE>

  /// Starts the program and waits until it is ready.
  ///
  /// - Parameters:
  ///   - command: The program's path and its arguments.
  ///   - log: File that receives standard error, which is shown if the program ends too early.
  /// - Throws: ``Failure`` if it cannot be started or ends at once.
  init(_ command: [String], log: String) throws {
    name = command.joined(separator: " ")
    self.log = log
    let (toWorker, fromWorker) = (try Worker.pipe(), try Worker.pipe())
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, toWorker.read, STDIN_FILENO)
    posix_spawn_file_actions_adddup2(&actions, fromWorker.write, STDOUT_FILENO)
    let flags = O_WRONLY | O_CREAT | O_TRUNC
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, log, flags, 0o644)
    process = try spawn(command, &actions)
    close(toWorker.read)
    close(fromWorker.write)
    guard let input = fdopen(toWorker.write, "w"), let output = fdopen(fromWorker.read, "r") else {
      throw Failure.ofFile("pipe")
    }
    (self.input, self.output) = (input, output)
    facts = try answer()
  }

  /// Has one thing done.
  ///
  /// - Returns: The answer, with `seconds`.
  /// - Throws: ``Failure`` if the program ended.
  func ask(_ word: String) throws -> JSONValue {
    fputs(word + "\n", input)
    fflush(input)
    return try answer()
  }

  /// Seconds that one thing takes.
  func seconds(_ word: String) throws -> Double {
    guard let seconds = try ask(word)["seconds"]?.double else {
      throw Failure("\(name): an answer without seconds")
    }
    return seconds
  }

  private func answer() throws -> JSONValue {
    var line: UnsafeMutablePointer<CChar>?
    var room = 0
    defer { free(line) }
    guard getline(&line, &room, output) > 0, let line else {
      throw Failure("\(name) ended: \(try contents(of: log))")
    }
    return try JSONValue(parsing: Array(String(cString: line).utf8))
  }

  /// A pipe whose ends other programs do not get.
  private static func pipe() throws -> (read: Int32, write: Int32) {
    var ends: [Int32] = [0, 0]
    if Glibc.pipe(&ends) != 0 { throw Failure.ofFile("pipe") }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    return (ends[0], ends[1])
  }

  deinit {
    fclose(input)
    fclose(output)
    var status: Int32 = 0
    while waitpid(process, &status, 0) < 0 && errno == EINTR {}
  }
}
