import Glibc
import Targets
import TestSupport

/// Runs one input after another until one of them ends it.
struct Child {
  private let arguments: Arguments
  private let target: any FuzzTarget
  private let progress: Int32

  /// Seconds of processor time, and of the clock, that one input may take. The second is longer:
  /// other programs may have the processor.
  private static let processorLimit = 2
  private static let clockLimit = 30
  private static let memoryLimit: rlim_t = 2 << 30

  init(_ type: any FuzzTarget.Type, _ arguments: Arguments) throws {
    self.arguments = arguments
    let files = "\(arguments.scratch)/files"
    mkdir(files, 0o755)
    target = try type.init(folder: files, fixtures: fixtures)
    progress = open("\(arguments.scratch)/progress", O_RDWR | O_CREAT, 0o644)
    var limit = rlimit(rlim_cur: Child.memoryLimit, rlim_max: Child.memoryLimit)
    setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit)
    limit = rlimit(rlim_cur: 0, rlim_max: 0)
    setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &limit)
  }

  func run() throws {
    guard arguments.replay.isEmpty else {
      for path in arguments.replay {
        guard let bytes = contents(of: path) else {
          complain("fuzz: cannot read \(path)")
          exit(1)
        }
        complain("\(path): \(run(bytes, number: 0) ? "opened" : "refused")")
      }
      return
    }
    let kept = files(in: "\(fixtures)/fuzz/\(arguments.target)").compactMap { contents(of: $0) }
    let sound = target.seeds
    let inputs = sound + kept
    let end = time(nil) + arguments.seconds
    var number = arguments.first
    var opened = 0
    while time(nil) < end {
      // First everything as it is, then changed.
      if number < inputs.count {
        let isOpened = run(inputs[number], number: number)
        if number < sound.count, !isOpened { fail("a sound input is refused") }
        opened += isOpened ? 1 : 0
      } else {
        opened += run(mutated(inputs, number: number), number: number) ? 1 : 0
      }
      number += 1
    }
    print("\(number - arguments.first) \(opened)")
  }

  /// The input of that number.
  private func mutated(_ inputs: [[UInt8]], number: Int) -> [UInt8] {
    var random = SeededRandom(seed: arguments.seed &* 0x9E37_79B9 &+ UInt64(number))
    _ = random.next()
    var bytes = inputs[Int.random(in: inputs.indices, using: &random)]
    repeat {
      bytes = target.mutated(bytes, using: &random)
    } while Int.random(in: 0..<5, using: &random) < 2
    return bytes
  }

  /// Runs one input, and ends the program if a promise is broken.
  private func run(_ bytes: [UInt8], number: Int) -> Bool {
    save(bytes, to: "\(arguments.scratch)/input")
    withUnsafeBytes(of: number) { _ = pwrite(progress, $0.baseAddress, $0.count, 0) }
    setTimers(processor: Child.processorLimit, clock: Child.clockLimit)
    defer { setTimers(processor: 0, clock: 0) }
    do { return try target.run(bytes) } catch { fail("\(error)") }
  }

  private func fail(_ reason: String) -> Never {
    save(Array(reason.utf8), to: "\(arguments.scratch)/reason")
    exit(3)
  }

  /// A timer that runs out ends the program by its signal.
  private func setTimers(processor: Int, clock: Int) {
    var timer = itimerval(
      it_interval: timeval(tv_sec: 0, tv_usec: 0),
      it_value: timeval(tv_sec: processor, tv_usec: 0)
    )
    setitimer(__itimer_which_t(ITIMER_PROF.rawValue), &timer, nil)
    timer.it_value.tv_sec = clock
    setitimer(__itimer_which_t(ITIMER_REAL.rawValue), &timer, nil)
  }
}
