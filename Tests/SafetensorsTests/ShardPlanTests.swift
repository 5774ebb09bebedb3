import JSON
import Tensors
import TestSupport
import Testing

@testable import Safetensors

@Suite("Shard plan")
struct ShardPlanTests {
  private func layouts(_ sizes: [Int]) -> [TensorLayout] {
    sizes.enumerated().map { TensorLayout(name: "t\($0)", type: .u8, shape: [$1]) }
  }

  @Test("what fits one file needs no index", arguments: [[], [10], [4, 6], [0, 0]])
  func one(sizes: [Int]) throws {
    let plan = try SafetensorsShardPlan(layouts(sizes), maximumBytes: 10)
    #expect(plan.shards == [.init(name: "model.safetensors", tensors: Array(sizes.indices))])
    #expect(plan.index == nil)
  }

  @Test("shards are filled in order, and a larger tensor has its own")
  func several() throws {
    let plan = try SafetensorsShardPlan(layouts([4, 6, 1, 25, 3, 8]), maximumBytes: 10)
    #expect(plan.shards.map(\.tensors) == [[0, 1], [2], [3], [4], [5]])
    #expect(plan.shards[0].name == "model-00001-of-00005.safetensors")
    #expect(plan.shards[4].name == "model-00005-of-00005.safetensors")
    #expect(plan.index?["metadata"]?["total_size"] == 47)
    let map = plan.index?["weight_map"]?.object
    #expect(map?.keys == ["t0", "t1", "t2", "t3", "t4", "t5"])
    #expect(map?["t3"] == "model-00003-of-00005.safetensors")
  }

  @Test("a first tensor over the limit does not leave an empty shard before it")
  func largeFirst() throws {
    let plan = try SafetensorsShardPlan(layouts([25, 1]), maximumBytes: 10)
    #expect(plan.shards.map(\.tensors) == [[0], [1]])
  }

  @Test("the plan's index is read back as planned")
  func readBack() throws {
    let folder = try TemporaryDirectory()
    let plan = try SafetensorsShardPlan(layouts([8, 8, 8]), maximumBytes: 10)
    let text = try #require(plan.index).text(pretty: true)
    let index = try SafetensorsIndex(reading: folder.write(text, to: "i.json"))
    #expect(index.shards == plan.shards.map(\.name))
    #expect(index.places.map(\.shard) == [0, 1, 2])
  }
}
