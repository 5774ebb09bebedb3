internal import JSON

/// `--memory` as a promise: what cannot be kept is refused before anything is done.
enum MemoryPromise {
  /// The estimate is above the promise.
  struct Exceeded: Error, CustomStringConvertible {
    let promised: Int
    let estimate: Int

    var description: String {
      "--memory \(SafeText.bytes(promised)) is too little: about \(SafeText.bytes(estimate)) are"
        + " needed; fewer --threads, a smaller --context or fewer --tokens lower it"
    }
  }

  /// Refuses an estimate above the promise.
  static func check(_ promise: ByteSize?, estimate: Int) throws {
    if let promise, estimate > promise.bytes {
      throw Exceeded(promised: promise.bytes, estimate: estimate)
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
