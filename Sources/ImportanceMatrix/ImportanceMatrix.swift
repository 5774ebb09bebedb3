internal import JSON
internal import Storage
public import SystemPackage

/// How large the inputs of a model's matrices were on a text, as llama.cpp's `llama-imatrix` keeps it:
/// per matrix and input channel the sum of squares, per expert the tokens it is a sum over.
///
/// Quantisation weighs its errors by it, and for routed experts the counts say how often each was
/// chosen. Formats/imatrix.md has both forms of the file.
public struct ImportanceMatrix: Sendable {
  /// Which form a file has.
  public enum Form: Sendable, Equatable {
    /// The GGUF form, with a count per expert.
    case gguf
    /// The older `.dat` form: sums of means, with one number of calls for the whole entry.
    case legacy
  }

  /// What is known of the input of one tensor.
  public struct Entry: Sendable, Equatable {
    /// The tensor's name in a GGUF model, as `blk.0.ffn_up_exps.weight`.
    public let name: String
    /// Sums of squares, [E, in]; E is 1 for a tensor that is one matrix. Finite, none negative.
    public let sums: [Float]
    /// Tokens in each sum, [E], or [1] where one number is all matrices'. In the legacy form [1], the
    /// number of calls. Whole numbers as `llama-imatrix` writes them; others are kept as they stand.
    public let counts: [Float]

    /// Numbers of `sums` that belong to one count; at least one.
    public var sumsPerCount: Int { sums.count / counts.count }

    /// An entry; `sums` divides into as many parts as there are counts.
    public init(name: String, sums: [Float], counts: [Float]) {
      precondition(!counts.isEmpty && !sums.isEmpty && sums.count % counts.count == 0)
      self.name = name
      self.sums = sums
      self.counts = counts
    }
  }

  /// The form it was read from, or is to be read as.
  public let form: Form
  /// Names of the texts.
  public let datasets: [String]
  /// Windows of text.
  public let chunkCount: Int
  /// Tokens per window; 0 in the legacy form, which does not say.
  public let chunkSize: Int
  /// Its entries, ascending by the bytes of their names, which are unique.
  public let entries: [Entry]
  /// The file it came from; nil if from none.
  public let file: FilePath?

  private let places: [UTF8Key: Int]

  /// An importance matrix; names of `entries` must be unique, compared by bytes.
  public init(
    form: Form = .gguf,
    datasets: [String],
    chunkCount: Int,
    chunkSize: Int,
    entries: [Entry],
    file: FilePath? = nil
  ) {
    self.form = form
    self.datasets = datasets
    self.chunkCount = chunkCount
    self.chunkSize = chunkSize
    self.file = file
    let sorted = entries.sorted { ImportanceMatrix.precedes($0.name, $1.name) }
    self.entries = sorted
    places = Dictionary(uniqueKeysWithValues: sorted.enumerated().map { (UTF8Key($1.name), $0) })
  }

  /// The entry of the tensor called `name`; nil if there is none.
  public subscript(name: String) -> Entry? { places[UTF8Key(name)].map { entries[$0] } }

  /// The order of names in a file: by bytes, as C++ sorts.
  static func precedes(_ a: String, _ b: String) -> Bool {
    a.utf8.lexicographicallyPrecedes(b.utf8)
  }
}

extension ImportanceMatrix.Entry {
  /// Checksums (XXH64) of the bytes of sums and counts, as ``ImportanceMatrixWriter/checksums(of:)``
  /// gives them of the entry in a file.
  public var checksums: [UInt64] {
    [sums, counts].map { numbers in numbers.withUnsafeBytes { Checksum.of($0) } }
  }
}

/// Keys and suffixes of the GGUF form.
enum ImportanceMatrixKey {
  static let type = "general.type"
  static let typeValue = "imatrix"
  static let datasets = "imatrix.datasets"
  static let chunkCount = "imatrix.chunk_count"
  static let chunkSize = "imatrix.chunk_size"
  static let sums = ".in_sum2"
  static let counts = ".counts"
}
