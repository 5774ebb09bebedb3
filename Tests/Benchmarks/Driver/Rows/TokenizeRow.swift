import JSON

/// Tokenization against the tokenizers package, the same documents, one thread each.
func tokenizeRow(_ bench: Bench) throws -> [Outcome] {
  try [("micro-qwen2moe", "byte-level"), ("tiny-mixtral", "metaspace")].map { model, kind in
    let files = ["Fixtures/models/\(model)/tokenizer.json", "Fixtures/text/calibration.jsonl"]
    let ours = try bench.worker("tokenize", files)
    let peer = try bench.peer("tokenize_text", files)
    let megabytes = (ours.facts["bytes"]?.double ?? .nan) / 1e6
    let count = try ours.ask("encode")["tokens"]?.integer ?? 0
    if let theirs = try peer?.ask("encode")["tokens"]?.integer, count != theirs {
      throw Failure("\(model): \(count) tokens, but the tokenizers package makes \(theirs)")
    }
    let speeds = try interleave(
      bench.rounds,
      ours: { megabytes / (try ours.seconds("encode")) },
      peer: peer.map { peer in { megabytes / (try peer.seconds("encode")) } }
    )
    return Outcome(
      name: "tokenize: BPE, \(kind)",
      kind: .rate(unit: "MB/s"),
      ours: speeds.ours,
      peerName: peer == nil ? Bench.missing : "tokenizers",
      peer: speeds.peer
    )
  }
}
