internal import ArgumentParser
internal import Conversion
internal import Storage
internal import SystemPackage

/// Where a command writes.
struct OutputOptions: ParsableArguments {
  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("Where to write.", valueName: "path"),
    completion: .file()
  )
  var output: String

  func validate() throws {
    if output.isEmpty { throw ValidationError("--output needs a path") }
  }

  /// The path, checked against the input and what stands there.
  ///
  /// - Parameters:
  ///   - force: Whether what stands there may be replaced.
  ///   - inputs: Files and folders that must not be.
  ///   - isFolder: Whether the output is a folder; a file is never replaced by one, nor one by a file.
  /// - Returns: The path.
  /// - Throws: `ConversionError` or `StorageError`.
  func path(force: Bool, inputs: [FilePath], isFolder: Bool) throws -> FilePath {
    let path = try OutputOptions.check(output, force: force, inputs: inputs)
    if let kind = FileSystem.kind(path), (kind == .directory) != isFolder {
      throw OtherKind(path: path, isFolder: isFolder)
    }
    return path
  }

  /// What stands at the output is of another kind.
  struct OtherKind: Error, CustomStringConvertible {
    let path: FilePath
    let isFolder: Bool

    var description: String {
      "\(path): is \(isFolder ? "a file" : "a folder"), and the output is"
        + " \(isFolder ? "a folder" : "a file"); choose another name"
    }
  }

  /// Refuses an output that is an input, lies inside one, exists without `force`, or has no folder.
  static func check(_ text: String, force: Bool, inputs: [FilePath]) throws -> FilePath {
    var path = FilePath(text)
    if text.hasSuffix("/"), let last = path.lastComponent {
      path = FileSystem.folder(of: path).appending(last)
    }
    let folder = FileSystem.folder(of: path)
    guard FileSystem.isDirectory(folder) else { throw StorageError.missingFolder(path: folder) }
    let real = FileSystem.resolved(folder) ?? folder
    let target = path.lastComponent.map { real.appending($0) } ?? real
    for input in inputs {
      guard let source = FileSystem.resolved(input) else { continue }
      let isInside = FileSystem.isDirectory(source) && target.starts(with: source)
      let holds = FileSystem.isDirectory(path) && source.starts(with: target)
      if isInside || holds || FileSystem.isSame(path, input) {
        throw ConversionError.outputInsideInput(output: path, input: input)
      }
    }
    if !force, FileSystem.exists(path) || FileSystem.isLink(path) {
      throw StorageError.exists(path: path)
    }
    return path
  }

  /// Checks files whose names are made from the output's, as splits have them.
  ///
  /// - Parameters:
  ///   - files: All that will be written.
  ///   - force: Whether what stands there may be replaced.
  ///   - inputs: Files that must not be.
  /// - Throws: `ConversionError`, `StorageError` or ``OtherKind``.
  static func check(files: [FilePath], force: Bool, inputs: [FilePath]) throws {
    for file in files {
      let path = try check(file.string, force: force, inputs: inputs)
      if FileSystem.isDirectory(path) { throw OtherKind(path: path, isFolder: false) }
    }
  }

  /// Refuses two outputs of one command that are the same file, however they are spelt.
  static func requireDistinct(_ first: FilePath?, _ second: FilePath?) throws {
    guard let first, let second else { return }
    func place(_ path: FilePath) -> FilePath? {
      guard let last = path.lastComponent else { return nil }
      return FileSystem.resolved(FileSystem.folder(of: path))?.appending(last)
    }
    if place(first) == place(second) || FileSystem.isSame(first, second) {
      throw SameOutput(path: second)
    }
  }

  /// Two outputs are the same file.
  struct SameOutput: Error, CustomStringConvertible {
    let path: FilePath

    var description: String {
      "\(path): the command would write two things to this file; choose another name for one"
    }
  }
}

/// The kinds of destination.
enum DestinationFormat: String, ExpressibleByArgument, CaseIterable {
  case moepack
  case safetensors
  case gguf
  case directory

  /// What the name of the output says.
  static func of(_ path: String) -> DestinationFormat {
    if path.hasSuffix(".moepack") { return .moepack }
    if path.hasSuffix(".safetensors") { return .safetensors }
    if path.hasSuffix(".gguf") { return .gguf }
    return .directory
  }
}
