internal import Glibc
internal import JSON

/// Answers the driver: writes `facts` once all is ready, then one line for each word that comes in.
///
/// A word names what is to be timed once; the answer holds `seconds` and whatever else was seen.
/// Both are JSON objects, one a line.
///
/// - Parameters:
///   - facts: What the driver may want to know beforehand.
///   - answer: Does the work that a word names.
public func serve(
  _ facts: [String: Double] = [:],
  _ answer: (String) throws -> [String: Double]
) {
  say(facts)
  while let word = readLine() {
    do { say(try answer(word)) } catch { fail("\(error)") }
  }
}

/// Seconds that `work` takes, and what it returns.
public func timed<Value>(_ work: () throws -> Value) rethrows -> (seconds: Double, value: Value) {
  let clock = ContinuousClock()
  let start = clock.now
  let value = try work()
  let parts = (clock.now - start).components
  return (Double(parts.seconds) + Double(parts.attoseconds) / 1e18, value)
}

/// Says what went wrong and ends the program.
public func fail(_ message: String) -> Never {
  let bytes = Array("\(CommandLine.arguments[0]): \(message)\n".utf8)
  _ = write(STDERR_FILENO, bytes, bytes.count)
  exit(1)
}

private func say(_ numbers: [String: Double]) {
  var object = JSONObject()
  for (key, value) in numbers.sorted(by: { $0.key < $1.key }) { object[key] = JSONValue(value) }
  print(JSONValue.object(object).text(pretty: false))
  fflush(nil)
}
