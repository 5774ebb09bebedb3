internal import JSON

/// `--memory` as a promise: what cannot be kept is refused before anything is done.
enum MemoryPromise {
  /// The estimate is above the promise.
  struct Exceeded: Error, CustomStringConvertible {
    let promised: Int
    let estimate: Int
    let remedy: String

    var description: String {
      "--memory \(SafeText.bytes(promised)) is too little: about \(SafeText.bytes(estimate)) are"
        + " needed; \(remedy) lower it"
    }
  }

  /// Refuses an estimate above the promise.
  ///
  /// - Parameters:
  ///   - promise: The promise, if one was made.
  ///   - estimate: Bytes the run may need.
  ///   - remedy: Options that lower the estimate.
  /// - Throws: ``Exceeded``.
  static func check(
    _ promise: ByteSize?,
    estimate: Int,
    remedy: String? = nil
  ) throws {
    if let promise, estimate > promise.bytes {
      throw Exceeded(
        promised: promise.bytes,
        estimate: estimate,
        remedy: remedy ?? "fewer --threads"
      )
    }
  }

  /// Prints an estimate alone, for dry runs.
  static func show(_ estimate: Int, json: Bool) {
    if json {
      Console.print(["estimatedPeakMemory": JSONValue(estimate)])
    } else {
      Console.print("estimated peak memory: \(SafeText.bytes(estimate))")
    }
  }
}
