internal import JSON
internal import SystemPackage
internal import Tensors

/// The list of tensors of one file: read entry by entry, then laid against the data.
struct GGUFTensorList {
  private let file: FilePath
  private let fileIndex: Int
  private var entries: [Entry] = []

  private struct Entry {
    /// Where the entry itself starts in the file.
    let position: Int
    let name: String
    let type: GGUFElementType
    /// Outermost first.
    let shape: [Int]
    /// From the start of the data.
    let offset: UInt64
    /// Zero where the type has no known size.
    let byteCount: Int
  }

  init(file: FilePath, fileIndex: Int) {
    self.file = file
    self.fileIndex = fileIndex
  }

  // MARK: - Reading

  mutating func read(_ cursor: inout GGUFCursor, count: Int) throws {
    var names: Set<UTF8Key> = []
    for number in 0..<count {
      let entry = try readEntry(&cursor, number)
      guard names.insert(UTF8Key(entry.name)).inserted else {
        throw GGUFError.duplicateTensor(
          file: file,
          offset: entry.position,
          tensor: entry.name
        )
      }
      entries.append(entry)
    }
  }

  private func readEntry(_ cursor: inout GGUFCursor, _ number: Int) throws -> Entry {
    let start = cursor.position
    let name = try cursor.string(limit: GGUFLimits.nameBytes, "the name of tensor \(number + 1)")
    if name.utf8.contains(0) {
      throw GGUFError.invalidName(
        file: file,
        offset: start,
        place: "the name of tensor \(number + 1)",
        reason: "contains a NUL"
      )
    }
    let axes: UInt32 = try cursor.integer("tensor '\(name)'")
    guard axes <= GGUFLimits.axes else {
      throw invalid(name, start, "\(axes) axes, at most \(GGUFLimits.axes) are possible")
    }
    var shape: [Int] = []
    for axis in 0..<axes {
      let size: Int64 = try cursor.integer("tensor '\(name)'")
      guard size >= 0 else { throw invalid(name, start, "axis \(axis) has \(size) elements") }
      shape.append(Int(size))
    }
    // The file has the innermost axis first.
    shape.reverse()
    let type = GGUFElementType(id: try cursor.integer("tensor '\(name)'"))
    let offset: UInt64 = try cursor.integer("tensor '\(name)'")
    do {
      // Sizes must be countable even where the type says nothing of bytes.
      _ = try ElementType.elementCount(shape)
      return Entry(
        position: start,
        name: name,
        type: type,
        shape: shape,
        offset: offset,
        byteCount: type.isKnown ? try type.elementType.byteCount(shape: shape) : 0
      )
    } catch { throw invalid(name, start, error.description) }
  }

  private func invalid(_ tensor: String, _ offset: Int, _ reason: String) -> GGUFError {
    .invalidTensor(file: file, offset: offset, tensor: tensor, reason: reason)
  }

  // MARK: - Placing

  /// The tensors with their places in the file.
  struct Placed {
    var tensors: [TensorDescriptor] = []
    var unreadable: Set<Int> = []
    var warnings: [String] = []
  }

  /// Checks that every tensor is aligned, within the file, and alone on its bytes.
  func place(dataStart: Int, alignment: Int, byteCount: Int) throws(GGUFError) -> Placed {
    let available = max(0, byteCount - dataStart)
    var placed = Placed()
    for entry in entries {
      guard entry.offset % UInt64(alignment) == 0 else {
        throw .misaligned(
          file: file,
          entry: entry.position,
          tensor: entry.name,
          offset: entry.offset,
          alignment: alignment
        )
      }
      guard entry.offset <= UInt64(available), entry.byteCount <= available - Int(entry.offset),
        dataStart <= byteCount
      else {
        throw .tensorPastEnd(
          file: file,
          tensor: entry.name,
          offset: entry.offset,
          needed: entry.byteCount,
          available: available
        )
      }
      let start = dataStart + Int(entry.offset)
      placed.tensors.append(
        TensorDescriptor(
          name: entry.name,
          type: entry.type.elementType,
          shape: entry.shape,
          fileIndex: fileIndex,
          fileRange: start..<start + entry.byteCount,
          byteCount: entry.byteCount
        )
      )
      if !entry.type.isKnown { placed.unreadable.insert(placed.tensors.count - 1) }
    }
    let walk = GGUFWalk(placed.tensors, unreadable: placed.unreadable, end: byteCount)
    for index in placed.unreadable {
      let range = placed.tensors[index].fileRange.lowerBound..<walk.ends[index]
      placed.tensors[index].fileRange = range
      placed.tensors[index].byteCount = range.count
    }
    if let (first, second) = walk.overlap {
      throw .overlap(
        file: file,
        tensor: placed.tensors[second].name,
        other: placed.tensors[first].name
      )
    }
    placed.warnings = warnings(placed, walk, dataStart, alignment, byteCount)
    return placed
  }

  private func warnings(
    _ placed: Placed,
    _ walk: GGUFWalk,
    _ dataStart: Int,
    _ alignment: Int,
    _ byteCount: Int
  ) -> [String] {
    var warnings: [String] = []
    let gaps = walk.gaps(dataStart: dataStart, alignment: alignment, end: byteCount)
      .map(\.range.count)
    if !gaps.isEmpty {
      warnings.append(
        "\(file): \(gaps.reduce(0, +)) bytes of the data belong to no tensor (in \(gaps.count)"
          + " places)"
      )
    }
    let late = walk.outOfOrder
    if let first = late.first {
      warnings.append(
        "\(file): \(late.count) tensors stand before the end of one that the header lists earlier, the"
          + " first of them '\(placed.tensors[first].name)'; llama.cpp refuses such a file"
      )
    }
    if let last = walk.last, !walk.endIsPadded(alignment, byteCount) {
      warnings.append(
        "\(file): the padding behind the last tensor, '\(placed.tensors[last].name)', is missing"
      )
    }
    if !placed.unreadable.isEmpty {
      let names = Set(placed.unreadable.map { placed.tensors[$0].type.name }).sorted()
      warnings.append(
        "\(file): \(placed.unreadable.count) tensors are of a type whose size is not known here"
          + " (\(names.joined(separator: ", "))); they are listed but cannot be read"
      )
    }
    return warnings
  }
}

/// The tensors of one file in the order of their bytes, and what lies between them.
struct GGUFWalk {
  /// Places in the list by place in the file; empty tensors come before what follows them.
  let order: [Int]
  /// Where each tensor of the list ends; one without a known size at what follows it.
  private(set) var ends: [Int]
  /// The tensor whose bytes end last.
  let last: Int?
  /// Two tensors that share bytes.
  private(set) var overlap: (first: Int, second: Int)?

  private let tensors: [TensorDescriptor]
  private let unreadable: Set<Int>

  init(_ tensors: [TensorDescriptor], unreadable: Set<Int>, end: Int) {
    self.tensors = tensors
    self.unreadable = unreadable
    let order = tensors.indices.sorted {
      let (a, b) = (tensors[$0].fileRange, tensors[$1].fileRange)
      return (a.lowerBound, a.upperBound, $0) < (b.lowerBound, b.upperBound, $1)
    }
    self.order = order
    ends = tensors.map(\.fileRange.upperBound)
    // An empty tensor has no byte to share, wherever it stands.
    let filled = order.filter { unreadable.contains($0) || !tensors[$0].fileRange.isEmpty }
    last = filled.last ?? order.last
    for (place, index) in filled.enumerated() {
      let next = place + 1 < filled.count ? filled[place + 1] : nil
      let start = next.map { tensors[$0].fileRange.lowerBound } ?? max(end, 0)
      if unreadable.contains(index) {
        ends[index] = max(start, tensors[index].fileRange.lowerBound)
      } else if let next, ends[index] > start, overlap == nil {
        overlap = (index, next)
      }
    }
  }

  /// A stretch of the data that belongs to no tensor and is more than padding.
  struct Gap {
    let range: Range<Int>
    /// The tensor behind it; nil at the end of the file.
    let tensor: Int?
  }

  /// What lies between the tensors, padding left out.
  func gaps(dataStart: Int, alignment: Int, end: Int) -> [Gap] {
    var gaps: [Gap] = []
    var position = dataStart
    for index in order {
      let start = tensors[index].fileRange.lowerBound
      if start > position { gaps.append(Gap(range: position..<start, tensor: index)) }
      position = max(position, min(end, aligned(ends[index], to: alignment)))
    }
    // A file without tensors may well end before its data would start.
    if end > position { gaps.append(Gap(range: position..<end, tensor: nil)) }
    return gaps
  }

  /// Tensors that stand before the end of one which the list has earlier.
  var outOfOrder: [Int] {
    var furthest = 0
    return tensors.indices.filter { index in
      defer { furthest = max(furthest, ends[index]) }
      return tensors[index].fileRange.lowerBound < furthest
    }
  }

  /// Whether the file goes on behind the last tensor to a multiple of the alignment.
  func endIsPadded(_ alignment: Int, _ end: Int) -> Bool {
    last.map { unreadable.contains($0) || aligned(ends[$0], to: alignment) <= end } ?? true
  }
}
