public import ArgumentParser

/// A number of bytes on the command line: `1000000`, `5GB`, `4GiB`.
public struct ByteSize: ExpressibleByArgument, Equatable, Sendable {
  /// The number.
  public let bytes: Int

  private static let units: [(suffix: String, factor: Int)] = [
    ("kB", 1000), ("MB", 1_000_000), ("GB", 1_000_000_000), ("KiB", 1 << 10), ("MiB", 1 << 20),
    ("GiB", 1 << 30),
  ]

  /// Reads digits with or without a unit; anything else is nil.
  public init?(argument: String) {
    let unit = ByteSize.units.first { argument.hasSuffix($0.suffix) }
    let digits = unit.map { argument.dropLast($0.suffix.count) } ?? Substring(argument)
    guard !digits.isEmpty, digits.allSatisfy({ $0.isASCII && $0.isNumber || $0 == "." }),
      digits.filter({ $0 == "." }).count <= 1, let number = Double(digits), number > 0
    else { return nil }
    let scaled = number * Double(unit?.factor ?? 1)
    guard scaled < 9e18, scaled >= 1, unit != nil || !digits.contains(".") else { return nil }
    bytes = Int(scaled.rounded())
  }
}
