public import Tensors

/// What a GGUF file is quantised to, by the names of llama.cpp's tools: one type for all weights, or a
/// mix that gives some tensors more bits.
///
/// Source: `llama.h`, `enum llama_ftype`; `tools/quantize/quantize.cpp`, `QUANT_OPTIONS`;
/// `llama-quant.cpp`, `llama_ftype_get_default_type`.
public struct GGUFFileType: Sendable, Equatable {
  /// llama.cpp's name.
  public let name: String
  /// `general.file_type`.
  public let id: UInt32
  /// The type of most weights.
  public let type: ElementType
  /// Whether tensors get types by their role; else all that are quantised have `type`.
  let isMix: Bool

  private init(_ name: String, _ id: UInt32, _ type: ElementType, isMix: Bool = true) {
    self.name = name
    self.id = id
    self.type = type
    self.isMix = isMix
  }

  /// The file type of that name, in any case; nil if there is none or nothing here encodes it.
  public init?(name: String) {
    guard let known = GGUFFileType.byName[name.uppercased()] else { return nil }
    self = known
  }

  /// The file type of a file whose weights have mostly `type`; nil if there is none.
  init?(mostly type: ElementType) {
    guard let id = GGUFFileType.idOfType[type] else { return nil }
    self.init(type.name, id, type, isMix: false)
  }

  /// All names, for messages.
  public static let names = table.map(\.name)

  private static let table: [GGUFFileType] = [
    .init("F32", 0, .f32, isMix: false), .init("F16", 1, .f16, isMix: false),
    .init("BF16", 32, .bf16, isMix: false), .init("Q8_0", 7, .q8_0, isMix: false),
    .init("Q4_0", 2, .q4_0), .init("Q4_1", 3, .q4_1), .init("Q5_0", 8, .q5_0),
    .init("Q5_1", 9, .q5_1), .init("Q2_K", 10, .q2_k), .init("Q2_K_S", 21, .q2_k),
    .init("Q3_K_S", 11, .q3_k), .init("Q3_K_M", 12, .q3_k), .init("Q3_K_L", 13, .q3_k),
    .init("Q4_K_S", 14, .q4_k), .init("Q4_K_M", 15, .q4_k), .init("Q5_K_S", 16, .q5_k),
    .init("Q5_K_M", 17, .q5_k), .init("Q6_K", 18, .q6_k), .init("IQ4_NL", 25, .iq4_nl),
    .init("IQ4_XS", 30, .iq4_xs), .init("TQ1_0", 36, .tq1_0), .init("TQ2_0", 37, .tq2_0),
    .init("MXFP4_MOE", 38, .mxfp4),
    // ggml types that are no mix of llama.cpp's: every matrix has them.
    .init("Q3_K", 12, .q3_k, isMix: false), .init("Q4_K", 15, .q4_k, isMix: false),
    .init("Q5_K", 17, .q5_k, isMix: false), .init("MXFP4", 38, .mxfp4, isMix: false),
  ]

  private static let byName = Dictionary(uniqueKeysWithValues: table.map { ($0.name, $0) })

  /// Ids for files that were quantised elsewhere, by the type most of their bytes have.
  private static let idOfType: [ElementType: UInt32] = [
    .f32: 0, .f16: 1, .bf16: 32, .q4_0: 2, .q4_1: 3, .q8_0: 7, .q5_0: 8, .q5_1: 9, .q2_k: 10,
    .q3_k: 12, .q4_k: 15, .q5_k: 17, .q6_k: 18, .iq2_xxs: 19, .iq2_xs: 20, .iq3_xxs: 23,
    .iq1_s: 24, .iq4_nl: 25, .iq3_s: 26, .iq2_s: 28, .iq4_xs: 30, .iq1_m: 31, .tq1_0: 36,
    .tq2_0: 37, .mxfp4: 38, .nvfp4: 39, .q1_0: 40,
  ]
}
