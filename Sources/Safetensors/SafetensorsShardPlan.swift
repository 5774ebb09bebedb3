public import JSON
internal import Storage
public import Tensors

/// Which file each tensor goes into, and the index that says so.
public struct SafetensorsShardPlan: Sendable {
  /// A file to be written.
  public struct Shard: Sendable, Equatable {
    /// Its name.
    public let name: String
    /// Positions of its tensors in the list that was planned.
    public let tensors: [Int]
  }

  /// The files; one alone is called `model.safetensors` and needs no index.
  public let shards: [Shard]
  /// The index, if there is more than one file.
  public let index: JSONValue?

  /// Fills shards in order, each up to `maximumBytes`; a larger tensor gets a shard of its own.
  public init(_ tensors: [TensorLayout], maximumBytes: Int) throws {
    var groups: [[Int]] = [[]]
    var filled = 0
    var total = 0
    for (index, tensor) in tensors.enumerated() {
      let size = try tensor.type.byteCount(shape: tensor.shape)
      if filled + size > maximumBytes, groups[groups.count - 1].isEmpty == false {
        groups.append([])
        filled = 0
      }
      groups[groups.count - 1].append(index)
      filled += size
      total += size
    }
    guard groups.count > 1 else {
      shards = [Shard(name: "model.safetensors", tensors: groups[0])]
      index = nil
      return
    }
    let count = groups.count
    shards = groups.enumerated().map { number, members in
      Shard(name: "model-\(padded(number + 1))-of-\(padded(count)).safetensors", tensors: members)
    }
    var map = JSONObject()
    for shard in shards {
      for index in shard.tensors { map[tensors[index].name] = .string(shard.name) }
    }
    index = ["metadata": ["total_size": JSONValue(total)], "weight_map": .object(map)]
  }
}

/// Five digits.
private func padded(_ number: Int) -> String {
  let digits = String(number)
  return String(repeating: "0", count: max(0, 5 - digits.count)) + digits
}
