/// A number with three digits that count, or all of those before the point.
func digits(_ value: Double) -> String {
  guard value.isFinite, value != 0 else { return value == 0 ? "0" : "-" }
  if abs(value) < 0.01 {
    var (exponent, rest) = (0, abs(value))
    while rest < 1 { (exponent, rest) = (exponent + 1, rest * 10) }
    return "\(value < 0 ? "-" : "")\((rest * 10).rounded() / 10)e-\(exponent)"
  }
  let places = abs(value) < 10 ? 2 : abs(value) < 100 ? 1 : 0
  var scale = 1
  for _ in 0..<places { scale *= 10 }
  let whole = Int((abs(value) * Double(scale)).rounded())
  let sign = value < 0 ? "-" : ""
  if places == 0 { return "\(sign)\(whole)" }
  let fraction = String(whole % scale)
  return "\(sign)\(whole / scale)."
    + String(repeating: "0", count: places - fraction.count) + fraction
}
