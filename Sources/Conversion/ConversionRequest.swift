public import Checkpoint
public import JSON
internal import Pack
public import Storage
public import SystemPackage
public import Tensors

/// What `convert` is asked to do, from which a job is made once everything that can be checked is.
public struct ConversionRequest: Sendable {
  /// Kinds of output.
  public enum Kind: Sendable {
    /// A pack.
    case pack
    /// One safetensors file.
    case safetensorsFile
    /// A GGUF file, perhaps in splits.
    case gguf
    /// A checkpoint folder.
    case directory
  }

  /// The model.
  public var source: Checkpoint
  /// Where to write.
  public var destination: FilePath
  /// Element type of the output; nil for the source's.
  public var type: ElementType?
  /// What concerns a GGUF output only.
  public var gguf = GGUFOptions()
  /// Largest safetensors file; nil for the default, 5 GB.
  public var maximumShardBytes: Int?
  /// Experts to keep, by layer; nil for all.
  public var plan: [Int: [Int]]?
  /// Whether a pack also takes what is left out by default.
  public var takesAllFiles: Bool
  /// Threads to use.
  public var threads: Int
  /// Name and version of the program, written into packs.
  public var tool: String

  /// A request.
  public init(
    source: Checkpoint,
    destination: FilePath,
    type: ElementType? = nil,
    maximumShardBytes: Int? = nil,
    plan: [Int: [Int]]? = nil,
    takesAllFiles: Bool = false,
    threads: Int,
    tool: String
  ) {
    self.source = source
    self.destination = destination
    self.type = type
    self.maximumShardBytes = maximumShardBytes
    self.plan = plan
    self.takesAllFiles = takesAllFiles
    self.threads = threads
    self.tool = tool
  }

  /// The job, checked as far as headers allow.
  public func job(for kind: Kind) throws -> any ConversionJob {
    switch (source.format, kind) {
    case (.pack, .pack):
      throw ConversionError.unsupported(
        reason: "\(source.location.path): is a .moepack already; copy the file, or give a folder as"
          + " the output"
      )
    case (.safetensors, .pack): return try PackingJob(self)
    case (.gguf(let collection), .pack): return try GGUFPackingJob(self, collection)
    case (_, .gguf):
      if let options = gguf.adapter { return try LoRAExportJob(self, options) }
      return try GGUFExportJob(self)
    case (.pack(let pack), _)
    where pack.isLossless && asksForNoChange && source.ggufContents == nil:
      return UnpackingJob(pack, to: destination, kind: kind, threads: threads)
    default: return try ExportJob(self, kind: kind)
    }
  }

  /// Whether the output is to say what the source says, and nothing else.
  var asksForNoChange: Bool {
    type == nil && maximumShardBytes == nil && plan == nil && gguf.asksForNoChange
  }
}

/// A conversion that is ready to run.
public protocol ConversionJob: Sendable {
  /// The files it writes, where these are not simply the destination.
  var files: [FilePath] { get }
  /// What the user should know of the output beforehand.
  var warnings: [String] { get }
  /// What it will report, as far as known before.
  var forecast: ConversionReport { get }
  /// Bytes it will read.
  var sourceByteCount: Int { get }
  /// Bytes of memory it will not exceed.
  var estimatedPeakMemory: Int { get }
  /// What the output depends on, for a job that can be gone on with; nil for one that begins anew.
  var identity: JSONObject? { get throws }
  /// Does it.
  ///
  /// - Parameters:
  ///   - journal: The run's journal, if the job has an identity.
  ///   - progress: Told how many source bytes were done since the last call.
  /// - Returns: What was done.
  /// - Throws: ``ConversionError`` and the errors of the formats for what cannot be converted,
  ///   `StorageError` if a file cannot be read or written.
  func run(journal: Journal?, progress: (Int) -> Void) throws -> ConversionReport
}

extension ConversionJob {
  /// None but the destination.
  public var files: [FilePath] { [] }

  /// None.
  public var warnings: [String] { [] }

  /// Nil: the job begins anew.
  public var identity: JSONObject? { nil }

  /// Does it in a run that cannot be gone on with.
  public func run(progress: (Int) -> Void) throws -> ConversionReport {
    try run(journal: nil, progress: progress)
  }
}

/// Memory of the program itself with tables for `tensors` tensors.
func baselineMemory(tensors: Int) -> Int { 40_000_000 + tensors * 700 }

/// Folder or file into a pack.
private struct PackingJob: ConversionJob {
  private let packing: LosslessPacking
  private let request: ConversionRequest

  init(_ request: ConversionRequest) throws {
    self.request = request
    switch request.source.location {
    case .directory(let folder):
      packing = try LosslessPacking(folder: folder, takesAll: request.takesAllFiles)
    case .safetensors(let file), .gguf(let file), .pack(let file):
      packing = try LosslessPacking(file: file)
    }
  }

  var forecast: ConversionReport {
    ConversionReport(
      tensorCount: request.source.tensors.count,
      byteCount: packing.sourceByteCount,
      leftOut: packing.filesLeftOut
    )
  }
  var sourceByteCount: Int { packing.sourceByteCount }
  var estimatedPeakMemory: Int {
    baselineMemory(tensors: request.source.tensors.count)
      + PackWriter.encodingBytes(
        threads: request.threads,
        largestPart: request.source.largestTensorBytes
      )
  }

  var identity: JSONObject? { get throws { try packing.identity() } }

  func run(journal: Journal?, progress: (Int) -> Void) throws -> ConversionReport {
    try packing.run(
      to: request.destination,
      tool: request.tool,
      threads: request.threads,
      journal: journal,
      progress: progress
    )
  }
}

/// Lossless pack back into what it was made of.
private struct UnpackingJob: ConversionJob {
  private let unpacking: LosslessUnpacking
  private let destination: FilePath
  private let kind: ConversionRequest.Kind
  private let tensors: Int
  private let threads: Int

  init(_ pack: PackReader, to destination: FilePath, kind: ConversionRequest.Kind, threads: Int) {
    unpacking = LosslessUnpacking(pack, threads: threads)
    self.destination = destination
    self.kind = kind
    self.threads = threads
    tensors = pack.tensors.count
  }

  var forecast: ConversionReport {
    ConversionReport(tensorCount: tensors, byteCount: unpacking.byteCount)
  }
  var sourceByteCount: Int { unpacking.byteCount }
  var estimatedPeakMemory: Int { baselineMemory(tensors: tensors) + threads * 4 << 20 }

  func run(journal: Journal?, progress: (Int) -> Void) throws -> ConversionReport {
    kind == .directory
      ? try unpacking.run(toFolder: destination, progress: progress)
      : try unpacking.run(toFile: destination, progress: progress)
  }
}
