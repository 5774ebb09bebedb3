internal import Checkpoint
internal import GGUF
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

  let path: String
  let threads: Int
  private let isDeep: Bool

  /// Will check `path`.
  ///
  /// - Parameters:
  ///   - path: The model.
  ///   - threads: Most threads to use.
  ///   - isDeep: Whether values are looked at in every format and whatever else is wrong, and each
  ///     problem among them is given its place in the tensor. Otherwise those of GGUF files, which
  ///     have no checksums and so need no reading, are not, and those of safetensors only if all
  ///     else is sound.
  public init(path: String, threads: Int, isDeep: Bool = false) {
    self.path = path
    self.threads = threads
    self.isDeep = isDeep
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
      switch checkpoint.format {
      case .gguf(let collection): problems += try structure(of: collection, checkpoint)
      case .safetensors, .pack:
        problems += checkpoint.warnings.map { Problem(file: path, place: "index", message: $0) }
      }
      if checkpoint.configuration != nil {
        // What has no role in the family is no damage; what the family needs and lacks is.
        do {
          try checkpoint.requireComplete(ignoring: { _ in true }, allowsScales: true)
        } catch {
          problems.append(Problem(file: path, place: "tensors", message: "\(error)"))
        }
      }
      switch checkpoint.format {
      case .pack(let pack): problems += try contents(of: pack, begin, progress)
      case .gguf(let collection):
        if isDeep {
          problems += checkValues(collection, of: collection.files.map(\.path), begin, progress)
        }
      case .safetensors(let collection):
        if isDeep || problems.isEmpty {
          problems += checkValues(collection, of: [checkpoint.location.path], begin, progress)
        }
      }
    } catch {
      problems.append(Problem(file: path, place: "opening", message: "\(error)"))
    }
    return problems
  }

  /// Reads a pack from end to end.
  private func contents(
    of pack: PackReader,
    _ begin: (Int) -> Void,
    _ progress: (Int) -> Void
  ) throws -> [Problem] {
    var problems: [Problem] = []
    begin(pack.byteCount)
    var isSound = true
    try pack.verify(threads: threads, progress: progress) { place, message in
      let text = message.contains(path) ? message : "\(path): \(place): \(message)"
      problems.append(Problem(file: path, place: place, message: text))
      isSound = false
    } reportValue: { tensor in
      let error =
        isDeep
        ? firstValue(of: tensor, in: pack)
        : CheckpointError.notFinite(path: FilePath(path), tensor: tensor)
      problems.append(Problem(file: path, place: tensor, message: "\(error)"))
    }
    if pack.isLossless, isSound {
      LosslessUnpacking(pack, threads: threads).checkHeaders { place, error in
        problems.append(Problem(file: path, place: place, message: "\(error)"))
      }
    }
    return problems
  }

  /// The error that says where in a tensor its first value is that is no finite number.
  private func firstValue(of tensor: String, in pack: PackReader) -> any Error {
    if let index = pack.tensors.firstIndex(where: { $0.name == tensor }) {
      let values = TensorValues(pack, path: FilePath(path))
      do { try values.requireFinite(tensor: index) } catch { return error }
    }
    return CheckpointError.notFinite(path: FilePath(path), tensor: tensor)
  }

  /// Finds values that are infinite or no number, and block scales that make such values, in every
  /// tensor that can be computed with.
  ///
  /// - Parameters:
  ///   - source: The tensors as the files have them.
  ///   - files: Their files by `fileIndex`; one for all names the model.
  ///   - begin: Called with the number of bytes to be read.
  ///   - progress: Called with the bytes done since the last call.
  /// - Returns: One problem for each such tensor, in their order.
  private func checkValues(
    _ source: any TensorSource,
    of files: [FilePath],
    _ begin: (Int) -> Void,
    _ progress: (Int) -> Void
  ) -> [Problem] {
    let tensors = source.tensors.indices.filter { index in
      let type = source.tensors[index].type
      return type.isComputable || type == .c64
    }
    begin(tensors.reduce(0) { $0 + source.tensors[$1].byteCount })
    var problems: [Problem] = []
    for start in stride(from: 0, to: tensors.count, by: max(1, threads)) {
      let batch = Array(tensors[start..<min(start + max(1, threads), tensors.count)])
      let found = parallelMap(count: batch.count, threads: threads) { slot -> String? in
        let file = files[min(source.tensors[batch[slot]].fileIndex, files.count - 1)]
        do {
          try TensorValues(source, path: file).requireFinite(tensor: batch[slot])
          return nil
        } catch { return "\(error)" }
      }
      for (index, message) in zip(batch, found) {
        let tensor = source.tensors[index]
        if let message {
          problems.append(Problem(file: path, place: tensor.name, message: message))
        }
        progress(tensor.byteCount)
      }
    }
    return problems
  }
}
