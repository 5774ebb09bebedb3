import JSON

/// Coding of BF16 bytes as packs hold them, against zipnn and a plain copy, one thread each.
func packRow(_ bench: Bench) throws -> [Outcome] {
  let file = bench.weights(of: try bench.model(layers: 1))
  // Past the embedding: experts.
  let count = bench.isQuick ? 64 << 20 : 256 << 20
  let place = [file, String(256 << 20), String(count)]
  let ours = try bench.worker("codec", place)
  let peer = try bench.peer("codec", place)
  let megabytes = Double(count) / 1e6
  // The first round warms up, and gives the sizes.
  func size(_ worker: Worker) throws -> Double {
    Double(count) / (try worker.ask("encode")["bytes"]?.double ?? .nan)
  }
  let sizes = (ours: [try size(ours)], peer: try peer.map { [try size($0)] } ?? [])
  func speeds(_ word: String) throws -> (ours: [Double], peer: [Double]) {
    try interleave(
      bench.rounds,
      ours: { megabytes / (try ours.seconds(word)) },
      peer: peer.map { peer in { megabytes / (try peer.seconds(word)) } }
    )
  }
  let encode = try speeds("encode")
  _ = (try ours.seconds("decode"), try peer?.seconds("decode"))
  let decode = try speeds("decode")
  let copy = try interleave(
    bench.rounds,
    ours: { megabytes / (try ours.seconds("decode")) },
    peer: { megabytes / (try ours.seconds("copy")) }
  )
  let name = peer == nil ? Bench.missing : "zipnn"
  let speed = Outcome.Kind.rate(unit: "MB/s")
  return [
    Outcome(
      name: "pack: compression ratio",
      kind: .rate(unit: ""),
      ours: sizes.ours,
      peerName: name,
      peer: sizes.peer,
      aims: [.value(1.47)]
    ),
    Outcome(
      name: "pack: encode, with hashes",
      kind: speed,
      ours: encode.ours,
      peerName: name,
      peer: encode.peer,
      aims: [.value(430), .ratio(1)]
    ),
    Outcome(
      name: "pack: decode, with hashes",
      kind: speed,
      ours: decode.ours,
      peerName: name,
      peer: decode.peer,
      aims: [.value(1100), .ratio(1)]
    ),
    Outcome(
      name: "pack: decode, with hashes",
      kind: speed,
      ours: copy.ours,
      peerName: "memory copy",
      peer: copy.peer
    ),
  ]
}
