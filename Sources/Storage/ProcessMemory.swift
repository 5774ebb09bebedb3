internal import CKernels
internal import Glibc

/// What the kernel says of this process's memory.
public enum ProcessMemory {
  /// Peak resident bytes so far (`VmHWM`), 0 where the kernel does not say.
  public static var peakResidentBytes: Int {
    guard let file = fopen("/proc/self/status", "re") else { return 0 }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 256)
    while fgets(&line, Int32(line.count), file) != nil {
      let text = line.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
      if text.hasPrefix("VmHWM:") {
        return (Int(text.filter(\.isNumber)) ?? 0) * 1024
      }
    }
    return 0
  }

  /// Hands every freed buffer of two mebibytes or more back to the system at once.
  ///
  /// Left alone, glibc raises its threshold with the first large free and keeps what follows.
  public static func returnLargeBuffers() { moepack_return_large_buffers() }
}
