import Fixtures
import Glibc
import JSON
import Testing

/// Runs that are stopped from outside.
@Suite struct InterruptionTests {
  private let line = ["compress", Sample.micro, "--threads", "1", "--json"] + Sample.short

  /// A run of `line` into `x.moepack`, stopped in the middle.
  private func stopped(_ scratch: ScratchFolder, _ signal: Int32, after: UInt32) throws
    -> Moepack.Run
  {
    try Moepack.run(line + ["-o", scratch("x.moepack")], ending: (signal: signal, after: after))
  }

  @Test("a signal ends a run at once, with its status and the line that goes on")
  func status() throws {
    for (signal, status) in [(SIGINT, 130 as Int32), (SIGTERM, 143)] {
      let scratch = try ScratchFolder()
      let run = try stopped(scratch, signal, after: 250)
      // A machine under load may not have come far in that time, but no machine has finished.
      #expect(run.status == status)
      #expect(run.output.isEmpty)
      #expect(run.complaint.contains("interrupted"))
      let names = try ScratchFolder.names(in: scratch.path)
      #expect(names.allSatisfy { $0.hasPrefix("x.moepack.partial") }, "\(names)")
      if !names.isEmpty {
        #expect(run.complaint.contains("to go on: \(Moepack.path) compress"), "\(run.complaint)")
      }
    }
  }

  @Test("stopped again and again at growing times, a run ends with the undisturbed bytes")
  func resumed() throws {
    let scratch = try ScratchFolder()
    let whole = try Moepack.run(line + ["-o", scratch("whole.moepack")])
    #expect(whole.status == 0, "\(whole.complaint)")
    var rounds = 0
    while true {
      let run = try stopped(scratch, SIGKILL, after: UInt32(200 + 150 * rounds))
      // Killed between clearing up and its own end, a run has finished all the same.
      let names = try ScratchFolder.names(in: scratch.path)
      if run.status == 0 || names == ["whole.moepack", "x.moepack"] { break }
      #expect(run.signal == SIGKILL, "\(run.complaint)")
      rounds += 1
      try #require(rounds < 60, "the run never ends")
    }
    #expect(
      try ScratchFolder.bytes(of: scratch("x.moepack"))
        == ScratchFolder.bytes(of: scratch("whole.moepack"))
    )
    #expect(try ScratchFolder.names(in: scratch.path) == ["whole.moepack", "x.moepack"])
  }

  /// A folder with an unfinished run.
  private func unfinished() throws -> ScratchFolder {
    let scratch = try ScratchFolder()
    var wait: UInt32 = 500
    while try !ScratchFolder.names(in: scratch.path).contains("x.moepack.partial-journal") {
      try #require(wait < 20_000, "no run got as far as its journal")
      _ = try stopped(scratch, SIGKILL, after: wait)
      try #require(try !ScratchFolder.names(in: scratch.path).contains("x.moepack"))
      wait *= 2
    }
    return scratch
  }

  @Test("other options are refused by name; --restart begins anew; --discard gives up")
  func otherOptions() throws {
    let scratch = try unfinished()
    let other = line + ["-o", scratch("x.moepack"), "--prune", "0.5"]
    let refused = try Moepack.run(other)
    #expect(refused.status == 1)
    #expect(refused.complaint.contains("another option prune (0.25, here 0.5)"))
    #expect(refused.complaint.contains("--restart"))
    #expect(
      try ScratchFolder.names(in: scratch.path).contains("x.moepack.partial-journal"),
      "a refused command may not spoil the run"
    )
    let restarted = try Moepack.run(other + ["--restart"])
    #expect(restarted.status == 0, "\(restarted.complaint)")
    #expect(try ScratchFolder.names(in: scratch.path) == ["x.moepack"])

    let second = try unfinished()
    let discarded = try Moepack.run(line + ["-o", second("x.moepack"), "--discard"])
    #expect(discarded.status == 0, "\(discarded.complaint)")
    #expect(try ScratchFolder.names(in: second.path) == [])
  }

  @Test("a changed source is refused by name")
  func otherSource() throws {
    let scratch = try ScratchFolder()
    let model = try Sample.copy(in: scratch)
    let line = ["compress", model, "-o", scratch("x.moepack"), "--threads", "1"] + Sample.short
    var wait: UInt32 = 500
    while try !ScratchFolder.names(in: scratch.path).contains("x.moepack.partial-journal") {
      try #require(wait < 20_000, "no run got as far as its journal")
      _ = try Moepack.run(line, ending: (signal: SIGKILL, after: wait))
      wait *= 2
    }
    let weights = scratch("model/model.safetensors")
    var bytes = try ScratchFolder.bytes(of: weights)
    bytes[bytes.count - 1] ^= 1
    try scratch.write("model/model.safetensors", bytes)
    let refused = try Moepack.run(line)
    #expect(refused.status == 1)
    #expect(refused.complaint.contains("another source model.safetensors"), "\(refused.complaint)")
  }

  @Test("an interrupted run that cannot be gone on with leaves nothing behind")
  func abandoned() throws {
    let scratch = try ScratchFolder()
    var wait: UInt32 = 300
    // Twice as fast on one machine, ten times slower on another: stopped once it has begun to write.
    while true {
      let run = try Moepack.run(
        [
          "evaluate", Sample.micro, "--text", Sample.heldout, "--save-logits",
          scratch("l.safetensors"), "--force",
        ],
        ending: (signal: SIGTERM, after: wait)
      )
      if run.status == 0 { break }
      #expect(run.status == 143)
      #expect(try ScratchFolder.names(in: scratch.path) == [])
      wait *= 2
    }
  }

  @Test("a journal of another version stays as it is; --discard removes it")
  func foreignJournal() throws {
    let scratch = try ScratchFolder()
    let text = "0123456789abcdef {\"moepackJournal\":2}\n"
    try scratch.write("x.moepack.partial-journal", text)
    for more in [[], ["--dry-run"]] {
      let run = try Moepack.run(line + ["-o", scratch("x.moepack")] + more)
      #expect(run.status == (more.isEmpty ? 1 : 0), "\(run.complaint)")
      if more.isEmpty { #expect(run.complaint.contains("--restart")) }
      #expect(
        try ScratchFolder.bytes(of: scratch("x.moepack.partial-journal")) == Array(text.utf8)
      )
    }
    let discarded = try Moepack.run(line + ["-o", scratch("x.moepack"), "--discard"])
    #expect(discarded.status == 0)
    #expect(try JSONValue(parsing: discarded.output)["discarded"] == true)
    #expect(try ScratchFolder.names(in: scratch.path) == [])
  }

  @Test("runs of one name in two folders may share a work folder")
  func sharedWorkFolder() throws {
    let scratch = try ScratchFolder()
    for folder in ["a", "b", "w"] { mkdir(scratch(folder), 0o755) }
    func line(_ folder: String) -> [String] {
      self.line + ["-o", scratch("\(folder)/x.moepack"), "--work-directory", scratch("w")]
    }
    var wait: UInt32 = 400
    while try ScratchFolder.names(in: scratch("w")).isEmpty {
      try #require(wait < 20_000, "no run left work files")
      unlink(scratch("a/x.moepack"))
      _ = try Moepack.run(line("a"), ending: (signal: SIGKILL, after: wait))
      wait += 200
    }
    let left = try ScratchFolder.names(in: scratch("w"))
    #expect(try Moepack.run(line("b")).status == 0)
    #expect(try ScratchFolder.names(in: scratch("w")) == left)
    // Given up without naming the folder again, nothing stays there.
    let discarded = try Moepack.run(self.line + ["-o", scratch("a/x.moepack"), "--discard"])
    #expect(discarded.status == 0)
    #expect(try ScratchFolder.names(in: scratch("w")) == [])
    #expect(try ScratchFolder.names(in: scratch("a")) == [])
  }
}
