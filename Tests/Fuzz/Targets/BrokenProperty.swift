internal import Checkpoint
internal import Conversion
internal import GGUF
internal import ImportanceMatrix
internal import Inference
internal import Pack
internal import Safetensors
internal import Storage
internal import Tokenization

/// What was promised of any input and did not hold.
package struct BrokenProperty: Error, CustomStringConvertible {
  /// What happened instead.
  package let description: String

  init(_ description: String) { self.description = description }
}

/// Opens something: nil if it was refused by an error of ours that names `file`.
///
/// - Throws: ``BrokenProperty`` for an error of another kind, or one that does not say which file.
func opening<Value>(_ file: String, _ body: () throws -> Value) throws(BrokenProperty) -> Value? {
  do { return try body() } catch {
    try requireOwn(error, naming: file)
    return nil
  }
}

/// Does what must succeed once a file was opened.
///
/// - Throws: ``BrokenProperty`` if `body` throws.
func must<Value>(_ what: String, _ body: () throws -> Value) throws(BrokenProperty) -> Value {
  do { return try body() } catch let error as BrokenProperty { throw error } catch {
    throw BrokenProperty("\(what): \(error)")
  }
}

/// Refuses an error that is not of our own types, or does not name `file`.
func requireOwn(_ error: any Error, naming file: String) throws(BrokenProperty) {
  if let error = error as? BrokenProperty { throw error }
  let isOwn =
    error is CheckpointError || error is ConversionError || error is GGUFError
    || error is ImportanceMatrixError || error is InferenceError || error is PackError
    || error is SafetensorsError
    || error is StorageError || error is TokenizationError
  guard isOwn else { throw BrokenProperty("an error of another kind: \(type(of: error)) \(error)") }
  guard "\(error)".contains(file) else { throw BrokenProperty("no '\(file)' in: \(error)") }
}

/// Refuses a condition that does not hold.
func require(_ condition: Bool, _ what: @autoclosure () -> String) throws(BrokenProperty) {
  if !condition { throw BrokenProperty(what()) }
}
