internal import Checkpoint
internal import Inference
internal import LinearAlgebra
internal import Safetensors
internal import SystemPackage
internal import Tensors

/// Saves the stream entering each layer (`hidden.L`, [windows, N, H]) and router logits
/// (`router.L`, [tokens, E]) while a pass runs.
final class HiddenSaver {
  private let writer: SafetensorsWriter
  private let places: [String: Int]
  private let context: Int

  init(_ path: FilePath, _ checkpoint: Checkpoint, _ stream: TokenStream) throws {
    let c = try checkpoint.requireConfiguration()
    context = stream.context
    var layout: [TensorLayout] = []
    for layer in 0...c.layerCount {
      layout.append(
        TensorLayout(
          name: "hidden.\(layer)",
          type: .f32,
          shape: [stream.windowCount, stream.context, c.hiddenSize]
        )
      )
    }
    for layer in c.moeLayers {
      let experts = checkpoint.keptExperts[layer]?.count ?? c.expertCount
      layout.append(
        TensorLayout(name: "router.\(layer)", type: .f32, shape: [stream.ids.count, experts])
      )
    }
    layout.append(
      TensorLayout(name: "input_ids", type: .i64, shape: [stream.windowCount, stream.context])
    )
    places = Dictionary(uniqueKeysWithValues: zip(layout.map(\.name), layout.indices))
    writer = try SafetensorsWriter(replacing: path, tensors: layout)
    let ids = stream.ids.map { Int64($0) }
    try ids.withUnsafeBytes { try writer.write($0, tensor: layout.count - 1, at: 0) }
  }

  var observer: ForwardPass.Observer {
    var observer = ForwardPass.Observer()
    observer.hidden = { layer, group, h in try self.save("hidden.\(layer)", group, h) }
    observer.router = { layer, group, logits in try self.save("router.\(layer)", group, logits) }
    return observer
  }

  func finish() throws { try writer.finish() }

  private func save(_ name: String, _ group: Int, _ matrix: Matrix) throws {
    guard let tensor = places[name] else { return }
    let tokens = max(1, HiddenStream.groupTokens / context) * context
    try writer.write(
      UnsafeRawBufferPointer(matrix.elements),
      tensor: tensor,
      at: group * tokens * matrix.columns * 4
    )
  }
}
