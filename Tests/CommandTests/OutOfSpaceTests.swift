import Fixtures
import Glibc
import Testing

/// `convert` without room for what it writes.
///
/// A pack is gone on with by the same command, so its work files stay and the error says how; an export
/// is not, so nothing of it is left over.
@Suite struct OutOfSpaceTests {
  /// What is converted, and to where.
  static let conversions = [
    (input: "model", output: "out.moepack"), (input: "in.moepack", output: "out"),
    (input: "model", output: "out.safetensors"),
  ]

  /// A folder with the model, its pack, and an older output in the way.
  private func prepare(_ scratch: ScratchFolder, _ output: String) throws {
    _ = try Sample.copy(in: scratch)
    try Moepack.succeed("convert", "model", "-o", "in.moepack", in: scratch.path)
    if output == "out" {
      try scratch.makeFolder("out")
      try scratch.write("out/config.json", "old")
    } else {
      try scratch.write(output, "old")
    }
  }

  /// Expects the names `before` in `folder`, and work files only where the run goes on with them.
  private func expectKept(
    _ run: Moepack.Run,
    _ output: String,
    from before: [String],
    in folder: String,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let names = try ScratchFolder.names(in: folder)
    let kept = names.filter { $0.hasPrefix(output + ".partial") }
    #expect(names.filter { !kept.contains($0) } == before, sourceLocation: sourceLocation)
    let isResumed = output.hasSuffix(".moepack")
    #expect(kept.isEmpty != isResumed, "\(kept)", sourceLocation: sourceLocation)
    #expect(run.complaint.contains("to go on: ") == isResumed, sourceLocation: sourceLocation)
  }

  @Test(
    "a file at the size limit of the process is an error that says so, and harms no older output",
    arguments: conversions.indices
  )
  func sizeLimit(index: Int) throws {
    let (input, output) = OutOfSpaceTests.conversions[index]
    let scratch = try ScratchFolder()
    try prepare(scratch, output)
    let before = try ScratchFolder.names(in: scratch.path)
    // 512 KiB; the model has 3.3 MB in one file.
    let line = ["convert", input, "-o", output, "--force"]
    let run = try Moepack.run(line, in: scratch.path, limit: "-f 1024")
    #expect(run.status == 1, "\(run.complaint)")
    #expect(run.output.isEmpty)
    #expect(run.complaint.contains(".partial"))
    #expect(run.complaint.contains("ulimit -f"))
    try expectKept(run, output, from: before, in: scratch.path)
    let old = output == "out" ? "out/config.json" : output
    #expect(try ScratchFolder.bytes(of: scratch(old)) == Array("old".utf8))
    // With room again the same command does its work.
    try Moepack.succeed("convert", input, "-o", output, "--force", in: scratch.path)
    #expect(try ScratchFolder.names(in: scratch.path) == before)
  }

  @Test(
    "a disk that is too small is refused before anything is written",
    arguments: conversions.indices
  )
  func fullDisk(index: Int) throws {
    let (input, output) = OutOfSpaceTests.conversions[index]
    let scratch = try ScratchFolder()
    try prepare(scratch, output)
    guard let disk = SmallDisk(at: try scratch.makeFolder("disk"), size: "1m") else {
      print("SKIPPED: no small disk can be mounted here; that takes root")
      return
    }
    try scratch.write("disk/older", "old")
    let run = try Moepack.run(["convert", input, "-o", "disk/\(output)"], in: scratch.path)
    #expect(run.status == 1, "\(run.complaint)")
    #expect(run.output.isEmpty)
    #expect(run.complaint.contains("MB are needed but the disk has"))
    #expect(run.complaint.contains("or write to another disk"))
    #expect(try ScratchFolder.names(in: disk.path) == ["older"])
  }

  @Test("a second run to the same folder is refused and names the first")
  func busyFolder() throws {
    let scratch = try ScratchFolder()
    try Moepack.succeed("convert", Sample.micro, "-o", "in.moepack", in: scratch.path)
    let work = try scratch.makeFolder("out.partial")
    try scratch.write("out.partial/theirs", "theirs")
    let descriptor = open(work, O_RDONLY | O_DIRECTORY)
    try #require(descriptor >= 0 && flock(descriptor, LOCK_EX) == 0)
    try Moepack.fail(
      1,
      saying: ["another run (process \(getpid()))", "wait for it"],
      ["convert", "in.moepack", "-o", "out"],
      in: scratch.path
    )
    #expect(try ScratchFolder.names(in: scratch.path) == ["in.moepack", "out.partial"])
    #expect(try ScratchFolder.names(in: work) == ["theirs"])
    // Unlocked, not only closed: a program that another test has started may hold the file, too.
    try #require(flock(descriptor, LOCK_UN) == 0)
    close(descriptor)
    try Moepack.succeed("convert", "in.moepack", "-o", "out", in: scratch.path)
    #expect(try ScratchFolder.names(in: scratch.path) == ["in.moepack", "out"])
  }
}

/// A disk in memory with little room, mounted as long as this lives.
private final class SmallDisk {
  let path: String

  /// Mounts it; nil where that is not allowed.
  init?(at path: String, size: String) {
    self.path = path
    guard SmallDisk.run(["mount", "-t", "tmpfs", "-o", "size=\(size)", "none", path]) else {
      return nil
    }
  }

  deinit { _ = SmallDisk.run(["umount", path]) }

  private static func run(_ line: [String]) -> Bool {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
    var words: [UnsafeMutablePointer<CChar>?] = line.map { strdup($0) } + [nil]
    defer { for word in words { free(word) } }
    var process = pid_t()
    guard posix_spawnp(&process, line[0], &actions, nil, &words, environ) == 0 else { return false }
    var state: Int32 = 0
    while waitpid(process, &state, 0) < 0 { if errno != EINTR { return false } }
    return state == 0
  }
}
