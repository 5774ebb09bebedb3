import Glibc
import Targets
import TestSupport

// The same targets under libFuzzer, which follows what code an input reaches. The target's name is
// in FUZZ_TARGET, that of the fixtures in FUZZ_FIXTURES; libFuzzer has the command line.

nonisolated(unsafe) private let target: any FuzzTarget = {
  let name = getenv("FUZZ_TARGET").map { String(cString: $0) } ?? ""
  let fixtures = getenv("FUZZ_FIXTURES").map { String(cString: $0) } ?? "Fixtures"
  var folder = Array("/dev/shm/moepack-fuzz-XXXXXX".utf8CString)
  guard let type = fuzzTargets.first(where: { $0.name == name }), mkdtemp(&folder) != nil else {
    fatalError("FUZZ_TARGET must be one of \(fuzzTargets.map { $0.name })")
  }
  let path = String(decoding: folder.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  do { return try type.init(folder: path, fixtures: fixtures) } catch { fatalError("\(error)") }
}()

/// Runs one input.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  do { _ = try target.run(Array(UnsafeBufferPointer(start: start, count: count))) } catch {
    fatalError("\(error)")
  }
  return 0
}

/// Changes an input in place.
@_cdecl("LLVMFuzzerCustomMutator")
public func mutate(
  _ bytes: UnsafeMutablePointer<UInt8>,
  _ count: Int,
  _ limit: Int,
  _ seed: CUnsignedInt
) -> Int {
  var random = SeededRandom(seed: UInt64(seed))
  let input = Array(UnsafeBufferPointer(start: bytes, count: count))
  let output = target.mutated(input, using: &random).prefix(limit)
  for (place, byte) in output.enumerated() { bytes[place] = byte }
  return output.count
}
