import Glibc

/// The text of a file.
func contents(of path: String) throws -> String {
  guard let file = fopen(path, "r") else { throw Failure.ofFile(path) }
  defer { fclose(file) }
  var bytes: [UInt8] = []
  var part = [UInt8](repeating: 0, count: 1 << 16)
  while true {
    let count = fread(&part, 1, part.count, file)
    if count == 0 { return String(decoding: bytes, as: UTF8.self) }
    bytes += part[..<count]
  }
}

/// Writes a text file.
func write(_ text: String, to path: String) throws {
  guard let file = fopen(path, "w") else { throw Failure.ofFile(path) }
  let count = fputs(text, file)
  if fclose(file) != 0 || count < 0 { throw Failure.ofFile(path) }
}

/// Names of the files in a folder.
func names(in folder: String) throws -> [String] {
  guard let stream = opendir(folder) else { throw Failure.ofFile(folder) }
  defer { closedir(stream) }
  var names: [String] = []
  while let entry = readdir(stream) {
    let name = withUnsafePointer(to: &entry.pointee.d_name) {
      $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
    }
    if name != "." && name != ".." { names.append(name) }
  }
  return names.sorted()
}

/// Bytes of the files in a folder.
func byteCount(of folder: String) throws -> Int {
  try names(in: folder).reduce(0) { $0 + fileSize(folder + "/" + $1) }
}

/// Size of a file, or 0.
func fileSize(_ path: String) -> Int {
  var status = stat()
  return stat(path, &status) == 0 ? Int(status.st_size) : 0
}

/// Makes a folder unless it is there.
func makeFolder(_ path: String) throws {
  if mkdir(path, 0o755) != 0 && errno != EEXIST { throw Failure.ofFile(path) }
}

/// Copies the files of a folder into a new one, in pieces of 4 MiB, and syncs each file and the
/// folder: what a tool does at the very least that promises its output to be on the disk.
func copyFolder(_ source: String, to target: String) throws {
  try makeFolder(target)
  var buffer = [UInt8](repeating: 0, count: 4 << 20)
  for name in try names(in: source) {
    let input = open(source + "/" + name, O_RDONLY)
    if input < 0 { throw Failure.ofFile(name) }
    defer { close(input) }
    let output = open(target + "/" + name, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
    if output < 0 { throw Failure.ofFile(name) }
    defer { close(output) }
    while true {
      let count = read(input, &buffer, buffer.count)
      if count == 0 { break }
      if count < 0 || write(output, buffer, count) != count { throw Failure.ofFile(name) }
    }
    if fsync(output) != 0 { throw Failure.ofFile(name) }
  }
  let folder = open(target, O_RDONLY | O_DIRECTORY)
  defer { close(folder) }
  if fsync(folder) != 0 { throw Failure.ofFile(target) }
}

/// Removes a file or a folder of files, if it is there, and waits until disks are at rest.
func remove(_ path: String) {
  if let names = try? names(in: path) {
    for name in names { unlink(path + "/" + name) }
    rmdir(path)
  } else {
    unlink(path)
  }
  sync()
}

extension Failure {
  /// What the last system call met.
  static func ofFile(_ path: String) -> Failure {
    Failure("\(path): \(String(cString: strerror(errno)))")
  }
}
