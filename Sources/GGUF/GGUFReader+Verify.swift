internal import Storage
internal import Tensors

extension GGUFReader {
  /// Checks one file, as ``GGUFCollection/verify(report:)`` checks all.
  ///
  /// - Parameter report: Called with the place and the message of each problem.
  /// - Throws: `StorageError` if the file cannot be read.
  public func verify(report: (_ place: String, _ message: String) -> Void) throws {
    let walk = GGUFWalk(tensors, unreadable: header.unreadable, end: byteCount)
    try checkPadding(
      header.listEnd..<min(header.dataStart, byteCount),
      before: "the data",
      report
    )
    for index in walk.outOfOrder {
      report(
        tensors[index].name,
        "it stands before the end of a tensor that the header lists earlier; llama.cpp refuses that"
      )
    }
    for index in walk.order {
      let name = tensors[index].name
      if header.unreadable.contains(index) {
        report(name, "its type \(tensors[index].type.name) is not known, so it was not checked")
        continue
      }
      let end = walk.ends[index]
      let padded = aligned(end, to: header.alignment)
      try checkPadding(end..<min(padded, byteCount), before: "what follows '\(name)'", report)
      if padded > byteCount { report(name, "the padding behind it is missing") }
    }
    for gap in walk.gaps(
      dataStart: header.dataStart,
      alignment: header.alignment,
      end: byteCount
    ) {
      let place = gap.tensor.map { "before '\(tensors[$0].name)'" } ?? "at the end of the file"
      report(
        "byte \(gap.range.lowerBound)",
        "\(gap.range.count) bytes \(place) belong to no tensor"
          + (gap.tensor == nil ? "" : "; llama.cpp refuses that")
      )
    }
  }

  private func checkPadding(
    _ range: Range<Int>,
    before what: String,
    _ report: (String, String) -> Void
  ) throws {
    // At most an alignment long.
    if try file.bytes(range).contains(where: { $0 != 0 }) {
      report("byte \(range.lowerBound)", "the padding before \(what) is not zero")
    }
  }
}
