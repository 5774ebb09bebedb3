internal import CKernels

/// Signals that end this process.
public enum ProcessSignals {
  /// Has `leave` called on a thread of its own when the first of `numbers` comes; it must not return.
  ///
  /// A signal that whoever started us ignores (`nohup`, a background job) stays ignored.
  public static func watch(_ numbers: [Int32], leave: @convention(c) (Int32) -> Void) {
    moepack_watch_signals(numbers, Int32(numbers.count), leave)
  }
}
