// factor FILE TENSOR RANK: times the factoring of one matrix of a safetensors file, on one thread.
//
// Words: plain, plain-lapack, whitened, whitened-lapack. Every answer has `excess`: by how much the
// error is above the least possible one, relatively.

import LinearAlgebra
import SystemPackage
import Worker

let words = CommandLine.arguments
guard words.count == 4, let rank = Int(words[3]) else { fail("usage: factor FILE TENSOR RANK") }
let problem = try FactoringProblem(FilePath(words[1]), tensor: words[2], rank: rank)
serve(["rows": Double(problem.w.rows), "columns": Double(problem.w.columns)]) { word in
  let route: () throws -> FactoringProblem.Thin
  switch word {
  case "plain": route = problem.plain
  case "plain-lapack": route = problem.plainByLAPACK
  case "whitened": route = problem.whitened
  case "whitened-lapack": route = problem.whitenedByLAPACK
  default: fail("unknown word '\(word)'")
  }
  let (seconds, thin) = try timed(route)
  let excess = try problem.excess(of: thin, isWhitened: word.hasPrefix("whitened"))
  return ["seconds": seconds, "excess": excess]
}
