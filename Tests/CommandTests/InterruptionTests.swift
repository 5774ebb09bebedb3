import Fixtures
import Glibc
import Testing

/// Runs that are stopped from outside.
@Suite struct InterruptionTests {
  // A shell reports a death by signal as 128 and the signal's number: 130 and 143.
  @Test(
    "a stopped run leaves no output, and the next one is not hindered",
    arguments: [SIGINT, SIGTERM]
  )
  func stoppedRun(signal: Int32) throws {
    let scratch = try ScratchFolder()
    let line = ["compress", Sample.micro, "-o", scratch("x.moepack"), "--threads", "1"]
    // The run takes several seconds, so it is stopped in the middle.
    let stopped = try Moepack.run(line, ending: (signal: signal, after: 700))
    #expect(stopped.signal == signal || stopped.status == 128 + signal)
    #expect(stopped.output.isEmpty)
    #expect(try !ScratchFolder.names(in: scratch.path).contains("x.moepack"))
    let next = try Moepack.run(line + Sample.short)
    #expect(next.status == 0, "\(next.complaint)")
    #expect(try ScratchFolder.names(in: scratch.path) == ["x.moepack"])
  }
}
