import Glibc

/// The repository's `Fixtures`.
let fixtures: String = {
  let file = #filePath
  let folder = file[..<(file.lastIndex(of: "/") ?? file.endIndex)]
  return folder + "/../../../Fixtures"
}()

/// Prints a line on standard error.
func complain(_ text: String) {
  let line = Array((text + "\n").utf8)
  _ = write(2, line, line.count)
}

/// Writes a file, or ends the program.
func save(_ bytes: [UInt8], to path: String) {
  guard let file = fopen(path, "wb"), fwrite(bytes, 1, bytes.count, file) == bytes.count else {
    complain("fuzz: cannot write \(path)")
    exit(1)
  }
  fclose(file)
}

/// All bytes of a file; nil if it cannot be read.
func contents(of path: String) -> [UInt8]? {
  guard let file = fopen(path, "rb") else { return nil }
  defer { fclose(file) }
  fseek(file, 0, SEEK_END)
  let count = max(0, ftell(file))
  rewind(file)
  return [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
    filled = fread(buffer.baseAddress, 1, count, file)
  }
}

/// Paths of the files in a folder, in order; none if there is no folder.
func files(in folder: String) -> [String] {
  guard let stream = opendir(folder) else { return [] }
  defer { closedir(stream) }
  var names: [String] = []
  while let entry = readdir(stream) {
    let name = withUnsafeBytes(of: &entry.pointee.d_name) { raw in
      String(decoding: raw.prefix { $0 != 0 }, as: UTF8.self)
    }
    if !name.hasPrefix(".") { names.append("\(folder)/\(name)") }
  }
  return names.sorted()
}

/// A new folder, in memory where the system has such a place.
struct ScratchPath {
  let path: String

  init() {
    let parent = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"
    var template = Array("\(parent)/moepack-fuzz-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else {
      complain("fuzz: cannot make a folder in \(parent)")
      exit(1)
    }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  func remove() { ScratchPath.remove(path) }

  private static func remove(_ path: String) {
    var status = stat()
    if lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR {
      for file in files(in: path) { remove(file) }
      rmdir(path)
    } else {
      unlink(path)
    }
  }
}
