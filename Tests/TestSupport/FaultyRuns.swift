package import Storage
package import SystemPackage

/// Something that writes below a folder, run again and again with one of its system calls failing.
package struct FaultyRuns: Sendable, CustomStringConvertible {
  /// What it is, for messages.
  package let description: String
  /// The output's name in the folder; it may be a file or a folder.
  let output: String
  /// The calls whose failure leaves the whole new output in place and is reported all the same.
  let late: [SystemCalls.Name]
  /// Puts what is there before the run.
  let prepare: @Sendable (TemporaryDirectory) throws -> Void
  /// The run.
  let run: @Sendable (TemporaryDirectory) throws -> Void

  /// Runs that write one file, whose folder is opened and synced when the file is in place.
  package static func file(
    _ description: String,
    after prepare: @escaping @Sendable (TemporaryDirectory) throws -> Void = { _ in },
    _ run: @escaping @Sendable (TemporaryDirectory) throws -> Void
  ) -> FaultyRuns {
    FaultyRuns(
      description: description,
      output: "out",
      late: [.open, .sync],
      prepare: prepare,
      run: run
    )
  }

  /// Runs that write a folder, or nothing that stays.
  package static func folder(
    _ description: String,
    after prepare: @escaping @Sendable (TemporaryDirectory) throws -> Void = { _ in },
    _ run: @escaping @Sendable (TemporaryDirectory) throws -> Void
  ) -> FaultyRuns {
    FaultyRuns(description: description, output: "out", late: [], prepare: prepare, run: run)
  }

  // MARK: - What happens

  /// How a run with a failing call ended.
  package struct Outcome: CustomStringConvertible {
    /// The number of the call that failed.
    package let index: Int
    /// The call that failed.
    package let call: SystemCalls.Name
    /// What the run threw.
    package let error: (any Error)?
    /// The output is as it was before the run.
    package let isUnchanged: Bool
    /// The output is as it is after an undisturbed run.
    package let isWhole: Bool
    /// What else is in the folder and was not there before the run.
    package let leftOver: [String]

    /// For messages.
    package var description: String {
      "call \(index), \(call): \(error.map { "\($0)" } ?? "succeeded"); output"
        + " \(isUnchanged ? "unchanged" : isWhole ? "whole" : "damaged"), left over: \(leftOver)"
    }
  }

  /// One run for every call of an undisturbed one, in which that call fails.
  ///
  /// - Parameters:
  ///   - fault: What happens to the call.
  ///   - forGood: The calls that fail alike from then on.
  /// - Returns: The outcomes, in the order of the calls.
  /// - Throws: If a folder cannot be prepared or the undisturbed run fails.
  package func outcomes(_ fault: SystemCalls.Fault, forGood: [SystemCalls.Name] = []) throws
    -> [Outcome]
  {
    let clean = try TemporaryDirectory()
    try prepare(clean)
    let before = try written(in: clean)
    let calls = try FaultyCalls.counting { try run(clean) }
    let after = try written(in: clean)
    return try calls.indices.map { index in
      let folder = try TemporaryDirectory()
      try prepare(folder)
      let old = folder.names
      var failure: (any Error)?
      do {
        try FaultyCalls.failing(index, fault, forGood: forGood) { try run(folder) }
      } catch {
        failure = error
      }
      let found = try written(in: folder)
      return Outcome(
        index: index,
        call: calls[index],
        error: failure,
        isUnchanged: found == before,
        isWhole: found == after,
        leftOver: folder.names.filter { $0 != output && !old.contains($0) }
      )
    }
  }

  private func written(in folder: TemporaryDirectory) throws -> [String: [UInt8]] {
    try folder.files().filter { $0.key == output || $0.key.hasPrefix(output + "/") }
  }

  // MARK: - What ought to happen

  /// What is wrong after a call was interrupted, or moved fewer bytes than asked: nothing may be
  /// seen of it.
  package func flaws(resuming fault: SystemCalls.Fault) throws -> [String] {
    try outcomes(fault)
      .filter { $0.error != nil || !$0.isWhole || !$0.leftOver.isEmpty }
      .map { "\($0)" }
  }

  /// What is wrong after a call failed with `code`.
  ///
  /// The run throws an error that names a place in the folder and what failed; the output is as it
  /// was, unless the failing call is one of `late`; nothing is left over but a work path that the run
  /// could not make sure of, since it may be another run's. A failure may be passed over where nothing
  /// hangs on it: closing what was only read or has been synced, and clearing away when all is in
  /// place.
  package func flaws(failingWith code: Errno, forGood: [SystemCalls.Name] = []) throws -> [String] {
    let outcomes = try outcomes(.error(code), forGood: forGood)
    let lastSync = outcomes.lastIndex { $0.call == .sync } ?? outcomes.count
    // The lock is followed by two looks at what was locked.
    let lastUnsure = outcomes.firstIndex { $0.call == .lock }.map { $0 + 2 } ?? -1
    var flaws: [String] = []
    for outcome in outcomes {
      let isGood =
        if let error = outcome.error {
          isRight(error, code) && (outcome.isUnchanged || outcome.isWhole)
            && (outcome.leftOver.isEmpty
              || outcome.index <= lastUnsure && outcome.leftOver == [output + ".partial"])
        } else {
          outcome.isWhole && (outcome.call == .close || outcome.index > lastSync)
            && (outcome.leftOver.isEmpty || outcome.index > lastSync)
        }
      if !isGood { flaws.append("\(outcome)") }
    }
    let late = outcomes.filter { $0.error != nil && $0.isWhole && !$0.isUnchanged }.map(\.call)
    if late != self.late { flaws.append("reported with the new output in place: \(late)") }
    guard forGood.isEmpty else { return flaws }
    // Before a written file is put in place, a second descriptor of it is closed.
    let closings = outcomes.filter { $0.error != nil && $0.call == .close }.count
    let expected = outcomes.filter { $0.call == .duplicate }.count
    if closings != expected { flaws.append("\(closings) of \(expected) closings reported") }
    return flaws
  }

  private func isRight(_ error: any Error, _ code: Errno) -> Bool {
    switch error as? StorageError {
    case .system(_, let path, let found):
      found == code && code != .noSpace && path.string.contains("moepack-test-")
    case .outOfSpace(_, let path, let found):
      found == code && code == .noSpace && path.string.contains("moepack-test-")
    default: false
    }
  }
}
