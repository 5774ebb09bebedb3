import Glibc

/// What one run of a command took.
struct Cost {
  var seconds: Double
  var peakBytes: Int
  /// What it wrote on standard output.
  var output: String
}

/// Runs a command to its end.
///
/// - Parameters:
///   - command: The program's path and its arguments.
///   - log: File that receives standard output and standard error, which is shown on failure.
/// - Returns: Time, memory and output.
/// - Throws: ``Failure`` if it cannot be run or ends with another status than 0.
func run(_ command: [String], log: String) throws -> Cost {
  let (output, errors) = (log + ".out", log + ".err")
  var actions = posix_spawn_file_actions_t()
  posix_spawn_file_actions_init(&actions)
  defer { posix_spawn_file_actions_destroy(&actions) }
  for (descriptor, path) in [(STDOUT_FILENO, output), (STDERR_FILENO, errors)] {
    let flags = O_WRONLY | O_CREAT | O_TRUNC
    posix_spawn_file_actions_addopen(&actions, descriptor, path, flags, 0o644)
  }
  let clock = ContinuousClock()
  let start = clock.now
  let process = try spawn(command, &actions)
  var status: Int32 = 0
  var usage = rusage()
  while wait4(process, &status, 0, &usage) < 0 && errno == EINTR {}
  let parts = (clock.now - start).components
  if status != 0 {
    throw Failure("\(command.joined(separator: " ")) failed: \(try contents(of: errors))")
  }
  return Cost(
    seconds: Double(parts.seconds) + Double(parts.attoseconds) / 1e18,
    peakBytes: usage.ru_maxrss * 1024,
    output: try contents(of: output)
  )
}

/// Starts a program.
func spawn(_ command: [String], _ actions: inout posix_spawn_file_actions_t) throws -> pid_t {
  var words: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) }
  words.append(nil)
  defer { words.forEach { free($0) } }
  var process: pid_t = 0
  let error = posix_spawn(&process, command[0], &actions, nil, words, environ)
  if error != 0 { throw Failure("\(command[0]): \(String(cString: strerror(error)))") }
  return process
}
