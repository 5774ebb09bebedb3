// bench: measures moepack against its peers; docs/benchmarks.md says what each row means.
//
//   bench [--tool PATH] [--work FOLDER] [--python PATH] [--only ROW,ROW] [--quick]
//
// Runs in the folder of the repository, as `make bench` does. Rows: pack, convert, gguf, encoders,
// forward, factor, search, tokenize, stages. The numbers go to FOLDER/bench.json, too.

import Glibc
import JSON

do { try measure(Options(Array(CommandLine.arguments.dropFirst()))) } catch {
  print("bench: \(error)")
  exit(1)
}

/// Measures the rows that are wanted, shows them and saves them.
func measure(_ options: Options) throws {
  let bench = options.bench
  try makeFolder(bench.work)
  var rows: [JSONValue] = []
  var runs: [StageRun] = []
  var notes: [String] = []
  var failures: [String] = []
  let table = Table.ofOutcomes()
  for name in options.rows {
    progress(name)
    do {
      let outcomes: [Outcome]
      switch name {
      case "pack": outcomes = try packRow(bench)
      case "convert": outcomes = try convertRow(bench)
      case "gguf": outcomes = try ggufRow(bench)
      case "encoders": outcomes = try encodersRow(bench)
      case "forward": outcomes = try forwardRow(bench)
      case "factor": outcomes = try factorRow(bench)
      case "search": outcomes = try searchRow(bench)
      case "tokenize": outcomes = try tokenizeRow(bench)
      default: (outcomes, runs) = try stagesRow(bench)
      }
      outcomes.forEach(table.add)
      rows += outcomes.map(\.json)
      notes += outcomes.filter { !$0.note.isEmpty }.map { "\($0.name): \($0.note)" }
      if outcomes.contains(where: { $0.peerName == Bench.missing }) {
        notes.append("\(name): peer not installed; run Tests/Benchmarks/install-peers.sh")
      }
    } catch {
      // The other rows can still be measured.
      failures.append("\(name): \(error)")
    }
  }
  print()
  (notes + failures).forEach { print($0) }
  if !runs.isEmpty { print() }
  Table.show(runs)
  let path = bench.work + "/bench.json"
  let json: JSONValue = [
    "machine": machine(), "quick": .bool(bench.isQuick), "rows": .array(rows),
    "stages": .array(runs.map(\.json)),
  ]
  try write(json.text(pretty: true) + "\n", to: path)
  print("\nsaved as \(path)")
  if !failures.isEmpty { throw Failure("\(failures.count) of \(options.rows.count) rows failed") }
}
