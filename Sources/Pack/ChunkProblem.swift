/// What is wrong with the stored bytes of a chunk.
struct ChunkProblem: Error {
  let reason: String

  init(_ reason: String) { self.reason = reason }
}
