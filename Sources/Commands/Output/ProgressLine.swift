internal import Glibc

/// How far a stage is: a bar with rate and time left on a terminal, a plain line now and then
/// elsewhere.
final class ProgressLine {
  private let title: String
  private let total: Int
  private let unit: Unit
  private let start = ProgressLine.now
  private var done = 0
  private var lastShown = 0.0
  private var isFinished = false

  /// What is counted.
  enum Unit {
    /// Bytes.
    case bytes
    /// Things, by their name in the plural.
    case items(String)
  }

  /// Starts a stage of `total` units.
  init(_ title: String, total: Int, unit: Unit) {
    self.title = title
    self.total = max(total, 1)
    self.unit = unit
  }

  /// Counts `amount` more.
  func advance(_ amount: Int) {
    done += amount
    let now = ProgressLine.now
    guard now - lastShown > (Console.isInteractive ? 0.1 : 10) || lastShown == 0 && now - start > 10
    else { return }
    guard Console.isInteractive || now - start > 10 else { return }
    lastShown = now
    show()
  }

  /// Ends the stage and returns its seconds.
  @discardableResult
  func finish() -> Double {
    let seconds = ProgressLine.now - start
    guard !isFinished else { return seconds }
    isFinished = true
    let clear = Console.isInteractive ? "\r\u{1B}[K" : ""
    Console.note("\(clear)\(title): done in \(SafeText.duration(seconds))")
    return seconds
  }

  private func show() {
    let fraction = min(1, Double(done) / Double(total))
    let elapsed = max(ProgressLine.now - start, 0.001)
    let rate = Double(done) / elapsed
    let left = rate > 0 ? Double(total - done) / rate : 0
    let speed =
      switch unit {
      case .bytes: "\(SafeText.bytes(Int(rate)))/s"
      case .items(let name): "\(done)/\(total) \(name)"
      }
    let tail = "\(Int(fraction * 100)) %  \(speed)  \(SafeText.duration(max(0, left))) left"
    if Console.isInteractive {
      let filled = Int(fraction * 24)
      let bar = String(repeating: "#", count: filled) + String(repeating: "-", count: 24 - filled)
      Console.write("\r\u{1B}[K\(title) [\(bar)] \(tail)", to: Console.errors)
    } else {
      Console.note("\(title): \(tail)")
    }
  }

  static var now: Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }
}
