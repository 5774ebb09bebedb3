/// What there is to know of each type, one row for each.
extension ElementType {
  /// A type's row.
  struct Row: Sendable {
    let type: ElementType
    let name: String
    /// Its number in ggml's `enum ggml_type`.
    let ggmlID: UInt32?
    /// Elements and bits of a block.
    let elements: Int
    let bits: Int
    /// Reader and writer of its blocks.
    var block: (any BlockType.Type)?
    /// The values of a small float.
    var small: SmallFloat?
  }

  /// A type of single elements.
  private static func single(
    _ type: ElementType,
    _ name: String,
    _ bits: Int,
    ggml: UInt32? = nil,
    _ small: SmallFloat? = nil
  ) -> Row {
    Row(type: type, name: name, ggmlID: ggml, elements: 1, bits: bits, small: small)
  }

  /// A block type that is read.
  private static func blocks(
    _ type: ElementType,
    _ name: String,
    ggml: UInt32,
    _ block: any BlockType.Type
  ) -> Row {
    Row(
      type: type,
      name: name,
      ggmlID: ggml,
      elements: block.elements,
      bits: 8 * block.bytes,
      block: block
    )
  }

  /// A block type of which only the size is known.
  private static func opaque(
    _ type: ElementType,
    _ name: String,
    ggml: UInt32,
    _ elements: Int,
    bytes: Int
  ) -> Row {
    Row(type: type, name: name, ggmlID: ggml, elements: elements, bits: 8 * bytes)
  }

  private static let table: [Row] = [
    single(.f64, "F64", 64, ggml: 28), single(.f32, "F32", 32, ggml: 0),
    single(.f16, "F16", 16, ggml: 1), single(.bf16, "BF16", 16, ggml: 30),
    single(.f8E4M3, "F8_E4M3", 8, .e4m3), single(.f8E5M2, "F8_E5M2", 8, .e5m2),
    single(.f8E8M0, "F8_E8M0", 8, .e8m0), single(.f8E4M3FNUZ, "F8_E4M3FNUZ", 8, .e4m3FNUZ),
    single(.f8E5M2FNUZ, "F8_E5M2FNUZ", 8, .e5m2FNUZ),
    single(.f6E2M3, "F6_E2M3", 6, .e2m3), single(.f6E3M2, "F6_E3M2", 6, .e3m2),
    single(.f4, "F4", 4, .e2m1),
    single(.i64, "I64", 64, ggml: 27), single(.i32, "I32", 32, ggml: 26),
    single(.i16, "I16", 16, ggml: 25), single(.i8, "I8", 8, ggml: 24),
    single(.u64, "U64", 64), single(.u32, "U32", 32), single(.u16, "U16", 16),
    single(.u8, "U8", 8), single(.bool, "BOOL", 8), single(.c64, "C64", 64),
    blocks(.q4_0, "Q4_0", ggml: 2, Q4_0.self), blocks(.q4_1, "Q4_1", ggml: 3, Q4_1.self),
    blocks(.q5_0, "Q5_0", ggml: 6, Q5_0.self), blocks(.q5_1, "Q5_1", ggml: 7, Q5_1.self),
    blocks(.q8_0, "Q8_0", ggml: 8, Q8_0.self), opaque(.q8_1, "Q8_1", ggml: 9, 32, bytes: 36),
    blocks(.q2_k, "Q2_K", ggml: 10, Q2_K.self), blocks(.q3_k, "Q3_K", ggml: 11, Q3_K.self),
    blocks(.q4_k, "Q4_K", ggml: 12, Q4_K.self), blocks(.q5_k, "Q5_K", ggml: 13, Q5_K.self),
    blocks(.q6_k, "Q6_K", ggml: 14, Q6_K.self), opaque(.q8_k, "Q8_K", ggml: 15, 256, bytes: 292),
    blocks(.iq2_xxs, "IQ2_XXS", ggml: 16, IQ2_XXS.self),
    blocks(.iq2_xs, "IQ2_XS", ggml: 17, IQ2_XS.self),
    blocks(.iq3_xxs, "IQ3_XXS", ggml: 18, IQ3_XXS.self),
    blocks(.iq1_s, "IQ1_S", ggml: 19, IQ1_S.self), blocks(.iq4_nl, "IQ4_NL", ggml: 20, IQ4_NL.self),
    blocks(.iq3_s, "IQ3_S", ggml: 21, IQ3_S.self), blocks(.iq2_s, "IQ2_S", ggml: 22, IQ2_S.self),
    blocks(.iq4_xs, "IQ4_XS", ggml: 23, IQ4_XS.self), blocks(.iq1_m, "IQ1_M", ggml: 29, IQ1_M.self),
    blocks(.tq1_0, "TQ1_0", ggml: 34, TQ1_0.self), blocks(.tq2_0, "TQ2_0", ggml: 35, TQ2_0.self),
    blocks(.mxfp4, "MXFP4", ggml: 39, MXFP4.self), blocks(.nvfp4, "NVFP4", ggml: 40, NVFP4.self),
    opaque(.q1_0, "Q1_0", ggml: 41, 128, bytes: 18), opaque(.q2_0, "Q2_0", ggml: 42, 64, bytes: 18),
  ]

  static let byName = Dictionary(uniqueKeysWithValues: table.map { ($0.name, $0.type) })
  private static let byType = Dictionary(uniqueKeysWithValues: table.map { ($0.type, $0) })
  private static let byGGMLID: [UInt32: ElementType] = Dictionary(
    uniqueKeysWithValues: table.compactMap { row in row.ggmlID.map { ($0, row.type) } }
  )

  /// The type's row; nil for an unknown type.
  var row: Row? { ElementType.byType[self] }

  /// Every type that is known, in no order of meaning.
  public static var known: [ElementType] { table.map(\.type) }

  /// The type with that number in ggml's `enum ggml_type`, as GGUF files give it; nil for numbers
  /// that ggml never used, has removed, or added later.
  public init?(ggmlID: UInt32) {
    guard let type = ElementType.byGGMLID[ggmlID] else { return nil }
    self = type
  }

  /// The type's number in ggml's `enum ggml_type`; nil if ggml does not have it.
  public var ggmlID: UInt32? { row?.ggmlID }
}
