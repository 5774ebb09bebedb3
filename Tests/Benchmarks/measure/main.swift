// measure: times the commands of moepack on a checkpoint, with their peak memory.
//
//   measure MOEPACK MODEL [--rounds 1] [--tokens 2048] [--work FOLDER] [--only NAME,NAME]
//
// MODEL is a folder made by make-synthetic (it needs its ids.json). Of several rounds the fastest
// counts, and the largest memory. Outputs are written into FOLDER, which must not exist (default:
// MODEL.bench beside the model) and is removed at the end. Exits with 1 if a command fails or needs more memory than it may.

import Glibc

// MARK: - Options

struct Options {
  var tool = ""
  var model = ""
  var rounds = 1
  var tokens = 2048
  var work = ""
  var only: [String] = []

  init(_ arguments: [String]) {
    var places: [String] = []
    var rest = arguments[...]
    func number(_ word: String) -> Int {
      guard let text = rest.popFirst(), let value = Int(text), value > 0 else {
        fail("\(word) needs a positive whole number", status: 64)
      }
      return value
    }
    while let word = rest.popFirst() {
      switch word {
      case "--rounds": rounds = number(word)
      case "--tokens": tokens = number(word)
      case "--work": work = rest.popFirst() ?? ""
      case "--only": only = (rest.popFirst() ?? "").split(separator: ",").map(String.init)
      case _ where word.hasPrefix("-"): fail("unknown option '\(word)'", status: 64)
      default: places.append(word)
      }
    }
    guard places.count == 2 else {
      fail(
        "usage: measure MOEPACK MODEL [--rounds 1] [--tokens 2048] [--work FOLDER] [--only NAME,NAME]",
        status: 64
      )
    }
    (tool, model) = (places[0], places[1])
    while model.count > 1 && model.hasSuffix("/") { model.removeLast() }
    if work.isEmpty { work = model + ".bench" }
  }
}

/// Says what went wrong and ends the program.
func fail(_ message: String, status: Int32 = 1) -> Never {
  let bytes = Array("measure: \(message)\n".utf8)
  _ = write(STDERR_FILENO, bytes, bytes.count)
  exit(status)
}

// MARK: - Running a command

/// What one run of a command took.
struct Cost {
  var seconds: Double
  var processorSeconds: Double
  var peakBytes: Int
}

/// Runs a command to its end with its output in a file, which is shown if the command fails.
func run(_ command: [String], output: String) -> Cost? {
  var actions = posix_spawn_file_actions_t()
  posix_spawn_file_actions_init(&actions)
  defer { posix_spawn_file_actions_destroy(&actions) }
  posix_spawn_file_actions_addopen(
    &actions,
    STDOUT_FILENO,
    output,
    O_WRONLY | O_CREAT | O_TRUNC,
    0o644
  )
  posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO)
  var words: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) }
  words.append(nil)
  defer { words.forEach { free($0) } }

  let clock = ContinuousClock()
  let start = clock.now
  var process: pid_t = 0
  let error = posix_spawn(&process, command[0], &actions, nil, words, environ)
  if error != 0 { fail("\(command[0]): \(String(cString: strerror(error)))") }
  var status: Int32 = 0
  var usage = rusage()
  while wait4(process, &status, 0, &usage) < 0 && errno == EINTR {}
  let elapsed = clock.now - start

  if status != 0 {
    print("failed: \(command.joined(separator: " "))\n\(contents(of: output))")
    return nil
  }
  func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
  return Cost(
    seconds: Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) / 1e18,
    processorSeconds: seconds(usage.ru_utime) + seconds(usage.ru_stime),
    peakBytes: usage.ru_maxrss * 1024
  )
}

/// The text of a file, or nothing.
func contents(of path: String) -> String {
  let descriptor = open(path, O_RDONLY)
  if descriptor < 0 { return "" }
  defer { close(descriptor) }
  var bytes: [UInt8] = []
  var part = Array(repeating: UInt8(0), count: 1 << 16)
  while true {
    let count = read(descriptor, &part, part.count)
    if count <= 0 { break }
    bytes += part[..<count]
  }
  return String(decoding: bytes, as: UTF8.self)
}

/// Bytes of the safetensors files in a folder.
func weightBytes(in folder: String) -> Int {
  guard let stream = opendir(folder) else { fail("\(folder): not a folder that can be read") }
  defer { closedir(stream) }
  var total = 0
  while let entry = readdir(stream) {
    let name = withUnsafePointer(to: &entry.pointee.d_name) {
      $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
    }
    var status = stat()
    if name.hasSuffix(".safetensors") && stat(folder + "/" + name, &status) == 0 {
      total += Int(status.st_size)
    }
  }
  return total
}

// MARK: - What is measured

/// A command with a name for the table and the memory it may use, if there is a limit.
struct Job {
  var name: String
  var arguments: [String]
  var limit: Int?
  var readsWeights = true
}

func jobs(_ o: Options) -> [Job] {
  let lossless = o.work + "/lossless.moepack"
  let compressed = o.work + "/compressed.moepack"
  let text = ["--ids", o.model + "/ids.json", "--tokens", String(o.tokens)]
  return [
    Job(
      name: "inspect",
      arguments: ["inspect", o.model],
      limit: 60_000_000,
      readsWeights: false
    ),
    Job(
      name: "convert",
      arguments: ["convert", o.model, "-o", lossless, "--force"],
      limit: 300_000_000
    ),
    Job(name: "verify", arguments: ["verify", lossless], limit: 300_000_000),
    Job(
      name: "convert back",
      arguments: ["convert", lossless, "-o", o.work + "/back", "--force"],
      limit: 300_000_000
    ),
    Job(name: "evaluate", arguments: ["evaluate", o.model] + text, limit: nil),
    Job(
      name: "compress",
      arguments: ["compress", o.model, "-o", compressed, "--force"] + text,
      limit: 2_000_000_000
    ),
    Job(name: "evaluate pack", arguments: ["evaluate", compressed] + text, limit: nil),
  ]
}

/// A text in a column of the given width, or a number at its right side.
func column(_ text: String, _ width: Int, right: Bool = true) -> String {
  let space = String(repeating: " ", count: max(0, width - text.count))
  return right ? space + text : text + space
}

func tenths(_ value: Double) -> String {
  let scaled = Int((value * 10).rounded())
  return "\(scaled / 10).\(scaled % 10)"
}

// MARK: - Main

func measure(_ o: Options) -> Int32 {
  // A new folder, since it is removed whole at the end.
  if mkdir(o.work, 0o755) != 0 { fail("\(o.work): \(String(cString: strerror(errno)))") }
  let bytes = weightBytes(in: o.model)
  let log = o.work + "/output.txt"
  print("model \(o.model), \(bytes / 1_000_000) MB; \(o.tokens) tokens; rounds: \(o.rounds)")
  print(
    column("command", 16, right: false) + column("seconds", 10) + column("CPU s", 10)
      + column("MB/s", 10) + column("peak MB", 10) + column("limit", 10)
  )

  var status: Int32 = 0
  for job in jobs(o) where o.only.isEmpty || o.only.contains(job.name) {
    var best: Cost?
    for _ in 0..<o.rounds {
      guard let cost = run([o.tool] + job.arguments, output: log) else {
        best = nil
        break
      }
      let peak = max(cost.peakBytes, best?.peakBytes ?? 0)
      if cost.seconds < best?.seconds ?? .infinity { best = cost }
      best?.peakBytes = peak
    }
    guard let best else {
      status = 1
      continue
    }
    let isOver = job.limit.map { best.peakBytes > $0 } ?? false
    if isOver { status = 1 }
    print(
      column(job.name, 16, right: false) + column(tenths(best.seconds), 10)
        + column(tenths(best.processorSeconds), 10)
        + column(job.readsWeights ? String(Int(Double(bytes) / best.seconds / 1e6)) : "-", 10)
        + column(String(best.peakBytes / 1_000_000), 10)
        + column(job.limit.map { String($0 / 1_000_000) } ?? "-", 10)
        + (isOver ? "  over the limit" : "")
    )
    fflush(nil)
  }
  _ = run(["/bin/rm", "-rf", o.work], output: "/dev/null")
  return status
}

exit(measure(Options(Array(CommandLine.arguments.dropFirst()))))
