import Glibc

/// log softmax of a row, in Double.
func logSoftmax(_ row: [Float]) -> [Double] {
  let largest = row.max().map { Double($0) } ?? 0
  let total = log(row.reduce(0.0) { $0 + exp(Double($1) - largest) }) + largest
  return row.map { Double($0) - total }
}

/// exp of the mean negative log-likelihood of every token that has one before it in its window.
func slowPerplexity(_ logits: [[Float]], ids: [Int32], context: Int) -> Double {
  var (sum, count) = (0.0, 0)
  for token in ids.indices where (token + 1) % context != 0 {
    sum -= logSoftmax(logits[token])[Int(ids[token + 1])]
    count += 1
  }
  return exp(sum / Double(count))
}

/// KL(reference ‖ model) of one token, nats.
func slowDivergence(reference: [Float], model: [Float]) -> Double {
  let (r, m) = (logSoftmax(reference), logSoftmax(model))
  return zip(r, m).reduce(0) { $0 + exp($1.0) * ($1.0 - $1.1) }
}
