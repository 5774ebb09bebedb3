internal import Checkpoint
internal import GGUF
internal import JSON
internal import Pack
internal import Safetensors
internal import Storage
internal import SystemPackage
internal import Tensors

/// Puts a GGUF file into a pack from which it comes back byte for byte; splits come back as one file.
struct GGUFPackingJob: ConversionJob {
  private let request: ConversionRequest
  private let collection: GGUFCollection
  private let header: [UInt8]

  /// Bytes read between two syncs of a pack that can be gone on with.
  private static let syncBytes = 512 << 20

  init(_ request: ConversionRequest, _ collection: GGUFCollection) throws {
    self.request = request
    self.collection = collection
    try collection.requireReadable()
    let path = request.source.location.path
    let layout = try GGUFLayout(
      metadata: collection.metadata,
      tensors: collection.tensors.map {
        TensorLayout(name: $0.name, type: $0.type, shape: $0.shape)
      },
      file: path
    )
    header = layout.header
    if collection.files.count == 1 {
      let file = collection.files[0]
      let isCanonical =
        try file.byteCount == layout.byteCount && file.headerBytes() == layout.header
        && collection.warnings.isEmpty
      guard isCanonical else {
        throw ConversionError.notExpressible(
          source: path,
          reason: "its layout is not the one that llama.cpp writes (order, gaps or version), so it"
            + " would not come back byte for byte",
          remedy:
            "write it anew first: moepack edit \(path.lastComponent?.string ?? "") -o NEW.gguf"
        )
      }
    }
  }

  var forecast: ConversionReport {
    ConversionReport(
      tensorCount: collection.tensors.count,
      byteCount: header.count + sourceByteCount
    )
  }

  var sourceByteCount: Int { collection.tensors.reduce(0) { $0 + $1.byteCount } }

  var estimatedPeakMemory: Int {
    baselineMemory(tensors: collection.tensors.count) + 6 * header.count
      + PackWriter.encodingBytes(
        threads: request.threads,
        largestPart: collection.tensors.reduce(0) { max($0, $1.byteCount) }
      )
  }

  var identity: JSONObject? { get throws { try request.source.sourceIdentity() } }

  /// The file's name; of splits what they have in common.
  private var name: String {
    let name = request.source.location.path.lastComponent?.string ?? "model.gguf"
    guard collection.files.count > 1,
      let match = name.firstMatch(of: /-\d{5}-of-\d{5}\.gguf$/)
    else { return name.hasSuffix(".gguf") ? name : name + ".gguf" }
    return name[..<match.range.lowerBound] + ".gguf"
  }

  func run(journal: Journal?, progress: (Int) -> Void) throws -> ConversionReport {
    let count = collection.tensors.count
    if let bytes = try PackWriter.placed(request.destination, journal)?["bytes"]?.integer {
      progress(sourceByteCount)
      return ConversionReport(tensorCount: count, byteCount: bytes)
    }
    let writer = try PackWriter(
      replacing: request.destination,
      threads: request.threads,
      resuming: journal?.take("parts")
    )
    let number = try writer.addWeights(path: name, kind: .gguf, header: header)
    var unsynced = 0
    for (index, tensor) in collection.tensors.enumerated() {
      let layout = TensorLayout(name: tensor.name, type: tensor.type, shape: tensor.shape)
      try writer.addTensor(layout, byteCount: tensor.byteCount, fileNumber: number) {
        try collection.read(tensor: index, bytes: $0, into: $1)
      }
      progress(tensor.byteCount)
      unsynced += tensor.byteCount
      if let journal, unsynced >= GGUFPackingJob.syncBytes {
        if let record = try writer.checkpoint() { try journal.append("parts", record) }
        unsynced = 0
      }
    }
    try writer.finish(
      model: ["kind": "lossless", "tool": .string(request.tool)],
      journal: journal
    )
    return ConversionReport(tensorCount: count, byteCount: writer.byteCount)
  }
}
