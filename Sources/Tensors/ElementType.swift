/// How one tensor's elements are stored.
///
/// Names follow safetensors; types that only ggml has keep ggml's names. A type that is not known
/// here can still be listed and copied, since its tensors know their byte range.
public enum ElementType: Hashable, Sendable {
  case f64, f32, f16, bf16
  case f8E4M3, f8E5M2, f8E8M0, f8E4M3FNUZ, f8E5M2FNUZ
  case f6E2M3, f6E3M2, f4
  case i64, i32, i16, i8, u64, u32, u16, u8, bool, c64
  /// Blocks of 32 with one scale, or with a scale and a minimum.
  case q4_0, q4_1, q5_0, q5_1, q8_0
  /// Blocks of 256 in groups with scales of their own.
  case q2_k, q3_k, q4_k, q5_k, q6_k
  /// Points of a grid.
  case iq1_s, iq1_m, iq2_xxs, iq2_xs, iq2_s, iq3_xxs, iq3_s
  /// Levels that lie closer near zero.
  case iq4_nl, iq4_xs
  /// Numbers of 4 bits with shared scales.
  case mxfp4, nvfp4
  /// Ternary values.
  case tq1_0, tq2_0
  /// One and two bits per value: known by size, for inspection and copies.
  case q1_0, q2_0
  /// What ggml makes of activations while it computes; no file holds it.
  case q8_1, q8_k
  /// A type this version does not know, by the name the file gives it.
  case unknown(String)

  /// The type of that name, `unknown` if there is none.
  public init(name: String) { self = ElementType.byName[name] ?? .unknown(name) }

  /// The name as it stands in files.
  public var name: String {
    if case .unknown(let name) = self { name } else { row?.name ?? "?" }
  }

  /// Whether this version knows the type's size.
  public var isKnown: Bool { row != nil }

  /// Elements that are coded together along the innermost axis.
  public var blockElements: Int { row?.elements ?? 1 }

  /// The fewest elements that fill whole bytes: a block, or two or four elements of less than a
  /// byte.
  public var unitElements: Int {
    guard let row else { return 1 }
    return row.bits % 8 == 0 ? row.elements : row.bits % 4 == 0 ? 2 : 4
  }

  /// Bits per element, scales included; nil for an unknown type.
  public var bitsPerElement: Double? { row.map { Double($0.bits) / Double($0.elements) } }

  /// Whether safetensors has this type: those in blocks are ggml's alone.
  public var isSafetensors: Bool { row.map { $0.elements == 1 } ?? false }

  /// Whether values widen to Float32.
  public var isComputable: Bool {
    switch self {
    case .f64, .f32, .f16, .bf16: true
    default: row.map { $0.block != nil || $0.small != nil } ?? false
    }
  }

  /// Whether values narrow from Float32.
  public var isEncodable: Bool {
    switch self {
    case .f64, .f32, .f16, .bf16: true
    default: row?.block is any EncodableBlockType.Type
    }
  }

  /// Bytes of a tensor of `shape` (outermost axis first).
  ///
  /// - Throws: ``TensorError`` if a product overflows, blocks do not fill the innermost axis, or
  ///   the elements do not end on a byte.
  public func byteCount(shape: [Int]) throws(TensorError) -> Int {
    guard let row else { throw .unknownType(name: name) }
    let elements = try ElementType.elementCount(shape)
    guard (shape.last ?? 1) % row.elements == 0 else {
      throw .rowNotInBlocks(type: self, row: shape.last ?? 1)
    }
    let (bits, overflow) = (elements / row.elements).multipliedReportingOverflow(by: row.bits)
    guard !overflow else { throw .tooLarge(shape: shape) }
    guard bits % 8 == 0 else { throw .partialByte(type: self, shape: shape) }
    return bits / 8
  }

  /// The product of `shape`; that of its other sizes must be countable even where one is zero, so
  /// that the order of axes makes no difference.
  ///
  /// - Throws: ``TensorError/tooLarge(shape:)`` past 2^63 - 1, and for a negative size.
  public static func elementCount(_ shape: [Int]) throws(TensorError) -> Int {
    var count = 1
    for size in shape where size != 0 {
      let (product, overflow) = count.multipliedReportingOverflow(by: size)
      guard !overflow, size > 0 else { throw .tooLarge(shape: shape) }
      count = product
    }
    return shape.contains(0) ? 0 : count
  }
}
