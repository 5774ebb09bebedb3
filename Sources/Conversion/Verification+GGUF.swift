internal import Checkpoint
internal import GGUF
internal import SystemPackage
internal import Tensors

extension Verification {
  /// What opening a GGUF model lets pass: gaps, tensors out of order, padding that is missing or not
  /// zero, types that are not known, keys, tokenizer or shapes that contradict the family.
  ///
  /// - Parameters:
  ///   - collection: Its files.
  ///   - checkpoint: The model they make.
  /// - Returns: The problems, each with the file of the set that it is in.
  /// - Throws: `StorageError` if a file cannot be read.
  func structure(of collection: GGUFCollection, _ checkpoint: Checkpoint) throws -> [Problem] {
    var problems: [Problem] = []
    // What the headers warn of, the files say below, each with its place.
    let told = Set(collection.files.flatMap(\.header.warnings))
    for warning in collection.warnings where !told.contains(warning) {
      problems.append(Problem(file: path, place: "splits", message: warning))
    }
    try collection.verify { file, place, message in
      let name = file.path.string
      let text = "\(name): \(place): \(message)"
      problems.append(Problem(file: name, place: place, message: text))
    }
    switch checkpoint.problem {
    case .unsupported: return problems
    case nil: break
    case .brokenExperts(_, let reason)?:
      problems.append(Problem(file: path, place: "tensors", message: "\(path): \(reason)"))
    case let problem?:
      problems.append(Problem(file: path, place: "keys", message: "\(problem)"))
    }
    do { _ = try checkpoint.ggmlVocabulary() } catch {
      problems.append(Problem(file: path, place: "tokenizer", message: "\(error)"))
    }
    return problems
  }
}
