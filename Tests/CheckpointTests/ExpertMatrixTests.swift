import JSON
import SystemPackage
import Tensors
import Testing
import TestSupport

@testable import Checkpoint

@Suite("Expert matrices")
struct ExpertMatrixTests {
  /// The values of every expert's matrices, by layer, expert and projection.
  private func values(_ checkpoint: Checkpoint) throws -> [[Float]] {
    let c = try checkpoint.requireConfiguration()
    var all: [[Float]] = []
    for layer in c.moeLayers {
      for expert in 0..<c.expertCount {
        for projection in Projection.allCases {
          let matrix = try #require(
            checkpoint.expertMatrix(layer: layer, expert: expert, projection: projection)
          )
          #expect(matrix.rows == (projection == .down ? c.hiddenSize : c.expertWidth))
          #expect(matrix.columns == (projection == .down ? c.expertWidth : c.hiddenSize))
          guard case .dense(let tensor, let offset) = matrix.form else {
            Issue.record("not dense")
            continue
          }
          var values = [Float](repeating: .nan, count: matrix.rows * matrix.columns)
          try values.withUnsafeMutableBufferPointer {
            try checkpoint.widen(tensor: tensor, fromByte: offset, into: $0)
          }
          all.append(values)
        }
      }
    }
    return all
  }

  @Test("experts on their own and experts fused are the same matrices")
  func fused() throws {
    for type in [ElementType.bf16, .f32] {
      for model in [TinyModel.mixtral(type: type), .qwen2MoE(type: type)] {
        var fused = model
        fused.fuseExperts()
        #expect(fused.tensors.count < model.tensors.count)
        let (own, together) = (try ModelFolder(), try ModelFolder())
        let (a, b) = (try own.open(model), try together.open(fused))
        try a.requireComplete()
        try b.requireComplete()
        #expect(!a.isFused(layer: 0) && b.isFused(layer: 0))
        #expect(try values(a) == values(b))
      }
    }
  }

  @Test("transformers 5 calls a Mixtral's router mlp.gate")
  func newRouterName() throws {
    var model = TinyModel.mixtral()
    model.fuseExperts()
    for index in model.tensors.indices {
      model.tensors[index].name = model.tensors[index].name.replacing(
        "block_sparse_moe.gate",
        with: "mlp.gate"
      )
    }
    let models = try ModelFolder()
    try models.open(model).requireComplete()
  }

  @Test("a router under both names, or experts both ways, are refused")
  func twice() throws {
    let models = try ModelFolder()
    var routers = TinyModel.mixtral()
    var router = try #require(routers["model.layers.0.block_sparse_moe.gate.weight"])
    router.name = "model.layers.0.mlp.gate.weight"
    routers.tensors.append(router)
    #expect(throws: CheckpointError.self) { try models.open(routers).requireComplete() }
    var experts = TinyModel.mixtral()
    let own = experts.tensors.filter { $0.name.contains("experts.") }
    experts.fuseExperts()
    experts.tensors += own
    #expect(throws: CheckpointError.self) { try models.open(experts).requireComplete() }
  }

  @Test("a fused tensor of the transposed shape is refused, not guessed at")
  func transposed() throws {
    var model = TinyModel.mixtral()
    model.fuseExperts()
    for index in model.tensors.indices where model.tensors[index].shape.count == 3 {
      model.tensors[index].shape.swapAt(1, 2)
    }
    let models = try ModelFolder()
    guard
      case .wrongShape(_, _, [4, 12, 8], [4, 8, 12])? =
        #expect(
          throws: CheckpointError.self,
          performing: { try models.open(model).requireComplete() }
        )
    else {
      Issue.record("not refused by shape")
      return
    }
  }

  @Test("an expert that is missing, or a layer without experts, has no matrix")
  func none() throws {
    var model = TinyModel.qwen2MoE(moeLayers: [1])
    model.remove("model.layers.1.mlp.experts.2.up_proj.weight")
    let checkpoint = try ModelFolder().open(model.with([("mlp_only_layers", [0])]))
    #expect(checkpoint.expertMatrix(layer: 1, expert: 2, projection: .up) == nil)
    #expect(checkpoint.expertMatrix(layer: 1, expert: 2, projection: .gate) != nil)
    #expect(checkpoint.expertMatrix(layer: 0, expert: 0, projection: .gate) == nil)
    #expect(checkpoint.expertMatrix(layer: 9, expert: 0, projection: .gate) == nil)
    #expect(checkpoint.expertMatrix(layer: 1, expert: 4, projection: .gate) == nil)
  }
}
