internal import Checkpoint
internal import Pack
internal import Parallelism
internal import Storage
internal import SystemPackage
internal import Tensors

/// Checks a model file as `verify` does.
public struct Verification: Sendable {
  /// Something that is wrong.
  public struct Problem: Sendable, Equatable {
    /// The file.
    public let file: String
    /// Where in it.
    public let place: String
    /// A sentence that names both.
    public let message: String
  }

  private let path: String
  private let threads: Int

  /// Will check `path`.
  public init(path: String, threads: Int) {
    self.path = path
    self.threads = threads
  }

  /// Opens the file with the ordinary reader, then checks what opening does not.
  ///
  /// - Parameters:
  ///   - begin: Called with the number of bytes to be read.
  ///   - progress: Called with the bytes done since the last call.
  /// - Returns: Every problem in the order found, failure to open included; empty if sound.
  public func run(begin: (Int) -> Void, progress: (Int) -> Void) -> [Problem] {
    var problems: [Problem] = []
    do {
      let checkpoint = try Checkpoint(path)
      for warning in checkpoint.warnings {
        problems.append(Problem(file: path, place: "index", message: warning))
      }
      if checkpoint.configuration != nil {
        // What has no role in the family is no damage; what the family needs and lacks is.
        do { try checkpoint.requireComplete(ignoring: { _ in true }) } catch {
          problems.append(Problem(file: path, place: "tensors", message: "\(error)"))
        }
      }
      if case .pack(let pack) = checkpoint.format {
        begin(pack.byteCount)
        var isSound = true
        try pack.verify(threads: threads, progress: progress) { place, message in
          let text = message.contains(path) ? message : "\(path): \(place): \(message)"
          problems.append(Problem(file: path, place: place, message: text))
          isSound = false
        } reportValue: { tensor in
          let error = CheckpointError.notFinite(path: FilePath(path), tensor: tensor)
          problems.append(Problem(file: path, place: tensor, message: "\(error)"))
        }
        if pack.isLossless, isSound {
          LosslessUnpacking(pack, threads: threads).checkHeaders { place, error in
            problems.append(Problem(file: path, place: place, message: "\(error)"))
          }
        }
      } else if problems.isEmpty {
        problems = try checkValues(checkpoint, begin, progress)
      }
    } catch {
      problems.append(Problem(file: path, place: "opening", message: "\(error)"))
    }
    return problems
  }

  /// Finds values that are infinite or no number, in every tensor that can be computed with.
  private func checkValues(
    _ checkpoint: Checkpoint,
    _ begin: (Int) -> Void,
    _ progress: (Int) -> Void
  ) throws -> [Problem] {
    let tensors = checkpoint.tensors.indices.filter { checkpoint.tensors[$0].type.isComputable }
    begin(tensors.reduce(0) { $0 + checkpoint.tensors[$1].byteCount })
    var problems: [Problem] = []
    for start in stride(from: 0, to: tensors.count, by: max(1, threads)) {
      let batch = Array(tensors[start..<min(start + max(1, threads), tensors.count)])
      let found = parallelMap(count: batch.count, threads: threads) { slot -> String? in
        do {
          try checkpoint.values.requireFinite(tensor: batch[slot])
          return nil
        } catch { return "\(error)" }
      }
      for (index, message) in zip(batch, found) {
        let tensor = checkpoint.tensors[index]
        if let message {
          problems.append(Problem(file: path, place: tensor.name, message: message))
        }
        progress(tensor.byteCount)
      }
    }
    return problems
  }
}
