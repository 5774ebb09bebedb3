import JSON

/// One run of the main job.
struct StageRun {
  var layers: Int
  var tokens: Int
  var threads: Int
  /// Seconds by stage.
  var seconds: [(stage: String, seconds: Double)]
  var peakBytes: Int

  var json: JSONValue {
    var stages = JSONObject()
    for (stage, value) in seconds { stages[stage] = JSONValue(value) }
    return [
      "layers": JSONValue(layers), "tokens": JSONValue(tokens), "threads": JSONValue(threads),
      "seconds": .object(stages), "peakMemory": JSONValue(peakBytes),
    ]
  }
}

/// Seconds per stage and peak memory of `compress`, and what they foretell of the whole model.
func stagesRow(_ bench: Bench) throws -> ([Outcome], [StageRun]) {
  // At 4096 tokens and more the search's sample is full, so that time is linear in the tokens.
  let shapes =
    bench.isQuick
    ? [(1, 2048, 2)]
    : [(1, 2048, 2), (1, 4096, 1), (1, 4096, 2), (1, 16384, 2), (3, 4096, 2)]
  let runs = try shapes.map { layers, tokens, threads in
    progress("compress: layers \(layers), tokens \(tokens), threads \(threads)")
    return try compress(bench, layers: layers, tokens: tokens, threads: threads)
  }
  return (prediction(runs).map { [$0] } ?? [], runs)
}

private func compress(_ bench: Bench, layers: Int, tokens: Int, threads: Int) throws -> StageRun {
  let model = try bench.model(layers: layers)
  let pack = bench.work + "/compressed.moepack"
  remove(pack)
  defer { remove(pack) }
  let cost = try bench.runTool([
    "compress", model, "-o", pack, "--ids", model + "/ids.json", "--tokens", String(tokens),
    "--threads", String(threads), "--json",
  ])
  let json = try JSONValue(parsing: Array(cost.output.utf8))
  let stages = json["seconds"]?.object.map { Array($0.members) } ?? []
  return StageRun(
    layers: layers,
    tokens: tokens,
    threads: threads,
    seconds: stages.map { ($0, $1.double ?? .nan) },
    peakBytes: json["peakMemory"]?.integer ?? cost.peakBytes
  )
}

/// The time of 24 layers and 16,384 tokens on two threads, by least squares of
/// seconds = layers (a + b tokens) for each stage.
///
/// The reception field looks at blocks of three layers and at no more than 2048 tokens, so only runs
/// of whole blocks count there, and tokens do not.
private func prediction(_ runs: [StageRun]) -> Outcome? {
  let full = runs.filter { $0.threads == 2 && $0.tokens >= 4096 }
  guard full.count > 2, let stages = full.first?.seconds.map(\.stage) else { return nil }
  var total = 0.0
  var worst = 0.0
  var parts: [String] = []
  for (place, stage) in stages.enumerated() {
    let isField = stage == "reception field"
    let points = full.filter { !isField || $0.layers % 3 == 0 }.map {
      (layers: Double($0.layers), tokens: Double($0.tokens), seconds: $0.seconds[place].seconds)
    }
    let line = isField ? constant(points) : leastSquares(points)
    for point in points {
      let fitted = point.layers * (line.a + line.b * point.tokens)
      // Stages of a few seconds are all noise and hardly count.
      if point.seconds > 10 { worst = max(worst, abs(fitted / point.seconds - 1)) }
    }
    let seconds = 24 * (line.a + line.b * 16384)
    parts.append("\(stage) \(digits(seconds))")
    total += seconds
  }
  return Outcome(
    name: "compress: 24 layers, 16,384 tokens",
    kind: .cost(unit: "s"),
    ours: [total],
    peerName: "predicted",
    aims: [.value(7200)],
    note: parts.joined(separator: ", ") + " s; the fit misses runs by at most "
      + "\(digits(100 * worst)) %"
  )
}

private typealias Point = (layers: Double, tokens: Double, seconds: Double)

/// a and b of seconds = layers (a + b tokens) with the least sum of squares.
private func leastSquares(_ points: [Point]) -> (a: Double, b: Double) {
  var (s11, s12, s22, y1, y2) = (0.0, 0.0, 0.0, 0.0, 0.0)
  for point in points {
    let (u, v) = (point.layers, point.layers * point.tokens)
    (s11, s12, s22) = (s11 + u * u, s12 + u * v, s22 + v * v)
    (y1, y2) = (y1 + u * point.seconds, y2 + v * point.seconds)
  }
  let determinant = s11 * s22 - s12 * s12
  return ((y1 * s22 - y2 * s12) / determinant, (y2 * s11 - y1 * s12) / determinant)
}

/// a of seconds = layers a.
private func constant(_ points: [Point]) -> (a: Double, b: Double) {
  let (above, below) = points.reduce((0.0, 0.0)) {
    ($0.0 + $1.layers * $1.seconds, $0.1 + $1.layers * $1.layers)
  }
  return (above / below, 0)
}
