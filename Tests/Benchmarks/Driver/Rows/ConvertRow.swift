import JSON

/// The command `convert` both ways against a plain copy of the folder, with all threads.
///
/// Both read files that are in the page cache and end when the output is on the disk. Outputs are
/// removed and the disk is at rest before each run.
func convertRow(_ bench: Bench) throws -> [Outcome] {
  let model = try bench.model(layers: 1)
  let megabytes = Double(try byteCount(of: model)) / 1e6
  let (pack, back) = (bench.work + "/lossless.moepack", bench.work + "/back")
  var peaks = (there: 0, back: 0)
  func copySpeed() throws -> Double { megabytes / (try copySeconds(bench, of: model)) }
  _ = try copySpeed()
  let there = try interleave(
    bench.rounds,
    ours: {
      remove(pack)
      let cost = try bench.runTool(["convert", model, "-o", pack])
      peaks.there = max(peaks.there, cost.peakBytes)
      return megabytes / cost.seconds
    },
    peer: copySpeed
  )
  let again = try interleave(
    bench.rounds,
    ours: {
      remove(back)
      let cost = try bench.runTool(["convert", pack, "-o", back])
      peaks.back = max(peaks.back, cost.peakBytes)
      return megabytes / cost.seconds
    },
    peer: copySpeed
  )
  remove(pack)
  remove(back)
  func outcome(_ name: String, _ speeds: (ours: [Double], peer: [Double]), _ peak: Int) -> Outcome {
    Outcome(
      name: name,
      kind: .rate(unit: "MB/s"),
      ours: speeds.ours,
      peerName: "copy and sync",
      peer: speeds.peer,
      aims: [.ratio(0.8)],
      note: "of plain bytes; peak memory \(peak / 1_000_000) MB"
    )
  }
  return [
    outcome("convert: folder to pack", there, peaks.there),
    outcome("convert: pack to folder", again, peaks.back),
  ]
}

/// Seconds that a plain copy of a folder takes, which is removed again.
func copySeconds(_ bench: Bench, of folder: String) throws -> Double {
  let copy = bench.work + "/copy"
  remove(copy)
  defer { remove(copy) }
  return try timed { try copyFolder(folder, to: copy) }
}
