public import GGUF
internal import Storage
public import SystemPackage

/// A chat template in a file of its own.
public enum ChatTemplateFile {
  /// The key a template has in GGUF.
  public static let key = "tokenizer.chat_template"

  /// Reads a template, byte for byte, line ends and all.
  ///
  /// - Parameter path: A text file, UTF-8, of at most 64 MiB.
  /// - Returns: The value of ``key``.
  /// - Throws: ``GGUFEditError/badTemplate(file:reason:)`` if the file is empty, no UTF-8, or has a
  ///   NUL; `StorageError` if it cannot be read.
  public static func read(_ path: FilePath) throws -> GGUFValue {
    let bytes = try FileSystem.contents(of: path, limit: 64 << 20)
    func refuse(_ reason: String) -> GGUFEditError { .badTemplate(file: path, reason: reason) }
    guard !bytes.isEmpty else {
      throw refuse("is empty; to take the model's away, give --remove \(key)")
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw refuse("is not UTF-8; save the file in that encoding")
    }
    guard !bytes.contains(0) else {
      throw refuse("contains a NUL, where llama.cpp would end it")
    }
    return .string(text)
  }
}
