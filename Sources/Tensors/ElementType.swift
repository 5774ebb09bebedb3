/// How one tensor's elements are stored.
///
/// Names follow safetensors; block types of ggml keep ggml's names. A type that is not known here
/// can still be listed and copied, since its tensors know their byte range.
public enum ElementType: Hashable, Sendable {
  case f64, f32, f16, bf16
  case f8E4M3, f8E5M2, f8E8M0, f8E4M3FNUZ, f8E5M2FNUZ
  case f6E2M3, f6E3M2, f4
  case i64, i32, i16, i8, u64, u32, u16, u8, bool, c64
  /// ggml's blocks of 32: one half-precision scale and 32 signed bytes.
  case q8_0
  /// A type this version does not know, by the name the file gives it.
  case unknown(String)

  /// Size and name of each known type.
  private static let table:
    [(type: ElementType, name: String, blockElements: Int, blockBits: Int)] = [
      (.f64, "F64", 1, 64), (.f32, "F32", 1, 32), (.f16, "F16", 1, 16), (.bf16, "BF16", 1, 16),
      (.f8E4M3, "F8_E4M3", 1, 8), (.f8E5M2, "F8_E5M2", 1, 8), (.f8E8M0, "F8_E8M0", 1, 8),
      (.f8E4M3FNUZ, "F8_E4M3FNUZ", 1, 8), (.f8E5M2FNUZ, "F8_E5M2FNUZ", 1, 8),
      (.f6E2M3, "F6_E2M3", 1, 6), (.f6E3M2, "F6_E3M2", 1, 6), (.f4, "F4", 1, 4),
      (.i64, "I64", 1, 64), (.i32, "I32", 1, 32), (.i16, "I16", 1, 16), (.i8, "I8", 1, 8),
      (.u64, "U64", 1, 64), (.u32, "U32", 1, 32), (.u16, "U16", 1, 16), (.u8, "U8", 1, 8),
      (.bool, "BOOL", 1, 8), (.c64, "C64", 1, 64), (.q8_0, "Q8_0", 32, 272),
    ]
  private static let byName = Dictionary(uniqueKeysWithValues: table.map { ($0.name, $0.type) })
  private static let byType = Dictionary(uniqueKeysWithValues: table.map { ($0.type, $0) })

  /// The type of that name, `unknown` if there is none.
  public init(name: String) { self = ElementType.byName[name] ?? .unknown(name) }

  /// The name as it stands in files.
  public var name: String {
    if case .unknown(let name) = self { name } else { ElementType.byType[self]?.name ?? "?" }
  }

  /// Whether this version knows the type's size.
  public var isKnown: Bool { ElementType.byType[self] != nil }

  /// Elements that are coded together along the innermost axis.
  public var blockElements: Int { ElementType.byType[self]?.blockElements ?? 1 }

  /// Bits per element, scales included; nil for an unknown type.
  public var bitsPerElement: Double? {
    ElementType.byType[self].map { Double($0.blockBits) / Double($0.blockElements) }
  }

  /// Whether safetensors has this type.
  public var isSafetensors: Bool { isKnown && self != .q8_0 }

  /// Whether values widen to Float32 and narrow from it.
  public var isComputable: Bool {
    switch self {
    case .f64, .f32, .f16, .bf16, .q8_0: true
    default: false
    }
  }

  /// Bytes of a tensor of `shape` (outermost axis first).
  ///
  /// - Throws: ``TensorError`` if a product overflows, blocks do not fill the innermost axis, or
  ///   the elements do not end on a byte.
  public func byteCount(shape: [Int]) throws(TensorError) -> Int {
    guard let entry = ElementType.byType[self] else { throw .unknownType(name: name) }
    let elements = try ElementType.elementCount(shape)
    guard (shape.last ?? 1) % entry.blockElements == 0 else {
      throw .rowNotInBlocks(type: self, row: shape.last ?? 1)
    }
    let (bits, overflow) = (elements / entry.blockElements).multipliedReportingOverflow(
      by: entry.blockBits
    )
    guard !overflow else { throw .tooLarge(shape: shape) }
    guard bits % 8 == 0 else { throw .partialByte(type: self, shape: shape) }
    return bits / 8
  }

  /// The product of `shape`, checked.
  public static func elementCount(_ shape: [Int]) throws(TensorError) -> Int {
    var count = 1
    for size in shape {
      let (product, overflow) = count.multipliedReportingOverflow(by: size)
      guard !overflow, size >= 0 else { throw .tooLarge(shape: shape) }
      count = product
    }
    return count
  }
}
