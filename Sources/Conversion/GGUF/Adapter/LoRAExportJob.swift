internal import Checkpoint
internal import GGUF
internal import JSON
internal import LinearAlgebra
internal import Storage
internal import SystemPackage
internal import Tensors

/// Writes the adapter that gives a base in low bits part of the source's experts back, one matrix at
/// a time, each to its final place.
struct LoRAExportJob: ConversionJob {
  private let request: ConversionRequest
  private let options: LoRAOptions
  private let plan: LoRAPlan
  private let files: GGUFShardPlan

  init(_ request: ConversionRequest, _ options: LoRAOptions) throws {
    guard case .gguf(let collection) = options.base.format else {
      throw ConversionError.unsupported(
        reason:
          "\(options.base.location.path): is no GGUF file, and llama.cpp adds adapters to such"
          + " only; convert it with a .gguf output first"
      )
    }
    self.request = request
    self.options = options
    plan = try LoRAPlan(request.source, plan: request.plan, options)
    files = try GGUFShardPlan(
      destination: request.destination,
      metadata: LoRAExportJob.metadata(request, plan, collection),
      tensors: plan.layouts
    )
  }

  /// The keys, in the order of llama.cpp's `convert_lora_to_gguf.py`.
  private static func metadata(
    _ request: ConversionRequest,
    _ plan: LoRAPlan,
    _ base: GGUFCollection
  ) -> GGUFMetadata {
    var keys = GGUFMetadata()
    keys["general.architecture"] = base.metadata["general.architecture"]
    keys["general.type"] = .string("adapter")
    keys["adapter.type"] = .string("lora")
    let name = request.source.location.path.lastComponent?.stem ?? "model"
    keys["general.name"] = .string(ModelNameParts.title(name) + " LoRA")
    keys["general.description"] = .string(
      "What the experts of \(base.files[0].path.lastComponent?.string ?? "the base") lost of "
        + "\(name), at rank \(plan.stacks.map(\.rank).max() ?? 0)"
    )
    if let name = base.metadata["general.name"] {
      keys["general.base_model.count"] = .uint32(1)
      keys["general.base_model.0.name"] = name
    }
    keys["adapter.lora.alpha"] = .float32(plan.alpha)
    keys["general.quantization_version"] = .uint32(2)
    return keys
  }

  var forecast: ConversionReport {
    ConversionReport(tensorCount: 2 * plan.stacks.count, byteCount: files.byteCount)
  }

  /// Bytes of the experts in the source and in the base, counted as Float32.
  var sourceByteCount: Int {
    plan.stacks.reduce(0) { $0 + $1.a.shape[0] * LoRAExportJob.matrixBytes($1) }
  }

  private static func matrixBytes(_ stack: LoRAPlan.Stack) -> Int { 4 * stack.rows * stack.columns }

  var estimatedPeakMemory: Int {
    let largest = plan.stacks.map { stack in
      let (side, rank) = (min(stack.rows, stack.columns), stack.paddedRank)
      // Source, base and a product of factors; the Gram matrix with its eigenvectors in Double; the
      // factors as they are found, laid out, and as they are stored.
      return 4 * LoRAExportJob.matrixBytes(stack) + 8 * 4 * side * side
        + 4 * 4 * rank * (stack.rows + stack.columns)
    }
    return baselineMemory(
      tensors: request.source.tensors.count + options.base.tensors.count
    ) + (largest.max() ?? 0) + request.threads * 4 << 20
  }

  func run(journal: Journal?, progress: (Int) -> Void) throws -> ConversionReport {
    let writer = try GGUFWriter(files)
    var summary = LoRAReport(rank: plan.stacks.map(\.rank).max() ?? 0)
    for (number, stack) in plan.stacks.enumerated() {
      let kept = plan.experts[stack.layer] ?? []
      for (position, expert) in kept.enumerated() {
        let remainder = try LoRARemainder(
          of: try difference(stack, expert: expert, position: position),
          rank: stack.rank,
          paddedRank: stack.paddedRank,
          threads: request.threads
        )
        summary.squaredRemainder += remainder.squared.remainder
        summary.squaredProducts += remainder.squared.product
        try write(remainder.a, stack.a, expert: position, to: writer, as: 2 * number)
        try write(remainder.b, stack.b, expert: position, to: writer, as: 2 * number + 1)
        progress(LoRAExportJob.matrixBytes(stack))
      }
    }
    try writer.finish()
    var report = forecast
    report.adapter = summary
    return report
  }

  /// W_source - W_base [m, n].
  private func difference(_ stack: LoRAPlan.Stack, expert: Int, position: Int) throws -> Matrix {
    func matrix(_ checkpoint: Checkpoint, _ expert: Int) throws -> Matrix {
      try checkpoint.denseMatrix(
        layer: stack.layer,
        expert: expert,
        stack.projections,
        rows: stack.rows,
        columns: stack.columns,
        threads: request.threads
      )
    }
    let result = try matrix(request.source, expert)
    let base = try matrix(
      options.base,
      options.base.keptExperts[stack.layer]?[position] ?? position
    )
    let (a, b) = (result.elements, base.elements)
    for index in a.indices { a[index] -= b[index] }
    return result
  }

  private func write(
    _ matrix: Matrix,
    _ layout: TensorLayout,
    expert: Int,
    to writer: GGUFWriter,
    as index: Int
  ) throws {
    let byteCount = try layout.type.byteCount(shape: [matrix.rows, matrix.columns])
    try writer.write(
      UnsafeBufferPointer(matrix.elements),
      as: layout,
      tensor: index,
      at: expert * byteCount
    )
  }
}
