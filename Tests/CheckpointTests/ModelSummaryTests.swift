import JSON
import SystemPackage
import Tensors
import Testing
import TestSupport

@testable import Checkpoint

@Suite("Model summary")
struct ModelSummaryTests {
  @Test("parameters are counted, active ones by the share of experts a token meets")
  func counts() throws {
    let models = try ModelFolder()
    let model = TinyModel.mixtral()
    let summary = ModelSummary(try models.open(model))
    let total = model.tensors.reduce(0) { $0 + $1.shape.reduce(1, *) }
    // Two layers of four experts with three matrices of 6 by 8.
    let experts = 2 * 4 * 3 * 48
    #expect(summary.totalParameters == total)
    #expect(summary.expertParameters == experts)
    #expect(summary.activeParameters == total - experts / 2)
    #expect(summary.totalBytes == 2 * total && summary.expertBytes == 2 * experts)
    #expect(summary.bytesByRole.reduce(0) { $0 + $1.bytes } == 2 * total)
    #expect(summary.bytesByRole.map(\.bytes) == summary.bytesByRole.map(\.bytes).sorted(by: >))
  }

  @Test("fused experts count the same")
  func fused() throws {
    let models = try ModelFolder()
    let own = ModelSummary(try models.open(.mixtral()))
    var model = TinyModel.mixtral()
    model.fuseExperts()
    let fused = ModelSummary(try models.open(model))
    #expect(fused.totalParameters == own.totalParameters)
    #expect(fused.activeParameters == own.activeParameters)
    #expect(fused.expertBytes == own.expertBytes)
  }

  @Test("shapes of unknown types that add up past 2^63 are no crash")
  func overflow() throws {
    let models = try ModelFolder()
    var model = TinyModel.mixtral()
    for layer in 0..<2 {
      for word in ["w1", "w2", "w3"] {
        let name = "model.layers.\(layer).block_sparse_moe.experts.0.\(word).weight"
        model.remove(name)
        model.tensors.append(RawTensor(name, .unknown("X"), [1 << 62], []))
      }
    }
    let summary = ModelSummary(try models.open(model))
    #expect(summary.totalParameters == .max)
    #expect(summary.expertParameters == .max)
    #expect((summary.activeParameters ?? -1) >= 0)
  }

  @Test("fingerprints tell models apart by configuration and shapes, not by place or values")
  func fingerprints() throws {
    let model = TinyModel.mixtral()
    let (a, b) = (try ModelFolder(), try ModelFolder())
    let (first, second) = (try a.open(model), try b.open(model, shards: 3))
    #expect(first.fingerprint == second.fingerprint)
    #expect(try a.open(.mixtral(seed: 99)).fingerprint == second.fingerprint)
    let other = try a.open(model.with([("rope_theta", 5)]))
    #expect(other.fingerprint != second.fingerprint)
    #expect(other.shapeFingerprint == second.shapeFingerprint)
    let wide = try a.open(.mixtral(type: .f32))
    #expect(wide.shapeFingerprint != second.shapeFingerprint)
    let more = try a.open(.mixtral(experts: 5))
    #expect(more.shapeFingerprint != second.shapeFingerprint)
  }
}
