public import GGUF
internal import SystemPackage
public import Tensors

/// The keys of a GGUF file with factored experts (`Formats/gguf-factored.md`): which experts each
/// layer has left.
public struct FactoredKeys: Sendable, Equatable {
  /// Experts of each layer by their original numbers; empty for a layer without.
  public var kept: [[Int]]
  /// The type that the experts of each layer had before they were factored; nil for a layer without.
  public var types: [ElementType?]

  /// Keys to be written.
  public init(kept: [[Int]], types: [ElementType?]) {
    self.kept = kept
    self.types = types
  }

  /// What stands in front of llama.cpp's name of the architecture.
  public static let prefix = "moepack-"

  private static let version = "moepack.factored.version"
  private static let counts = "moepack.expert_count"
  private static let typeNames = "moepack.expert_type"
  private static func experts(_ layer: Int) -> String { "moepack.experts.\(layer)" }

  /// The name of one part of an expert's matrix.
  ///
  /// - Parameters:
  ///   - projection: Which matrix.
  ///   - layer: Of which layer.
  ///   - expert: Of which expert, by its original number.
  ///   - part: `weight` for the matrix itself, `u` or `v` for a factor.
  /// - Returns: The name, shorter than the 64 bytes that ggml gives one.
  public static func tensorName(
    _ projection: Projection,
    layer: Int,
    expert: Int,
    part: String
  ) -> String {
    "blk.\(layer).exps.\(expert).ffn_\(projection.rawValue).\(part)"
  }

  /// The keys with their values.
  public var values: [(String, GGUFValue)] {
    var list: [(String, GGUFValue)] = [
      (FactoredKeys.version, .uint32(1)),
      (FactoredKeys.counts, .array(GGUFArray(kept.map { Int32($0.count) }))),
      (FactoredKeys.typeNames, .array(GGUFArray(types.map { $0?.name ?? "" }))),
    ]
    for (layer, experts) in kept.enumerated() where !experts.isEmpty {
      list.append((FactoredKeys.experts(layer), .array(GGUFArray(experts.map { Int32($0) }))))
    }
    return list
  }

  /// Reads the keys.
  ///
  /// - Parameters:
  ///   - metadata: All keys of the file.
  ///   - layers: `block_count`.
  ///   - experts: `expert_count`, that of the original model.
  ///   - file: The file, for messages.
  /// - Throws: ``CheckpointError/configuration(file:key:got:expected:)``.
  init(_ metadata: GGUFMetadata, layers: Int, experts: Int, file: FilePath) throws(CheckpointError)
  {
    func wrong(_ key: String, _ expected: String) -> CheckpointError {
      .configuration(
        file: file.string,
        key: key,
        got: metadata[key] == nil ? "is missing" : "makes no sense",
        expected: expected
      )
    }
    guard metadata[FactoredKeys.version] == .uint32(1) else {
      throw wrong(FactoredKeys.version, "expected the u32 1; a newer moepack may read the file")
    }
    guard let counts = metadata[FactoredKeys.counts]?.array?.integers, counts.count == layers else {
      throw wrong(FactoredKeys.counts, "expected \(layers) whole numbers, one for each layer")
    }
    guard let names = metadata[FactoredKeys.typeNames]?.array?.strings, names.count == layers else {
      throw wrong(FactoredKeys.typeNames, "expected \(layers) names of types, one for each layer")
    }
    var kept: [[Int]] = []
    for (layer, count) in counts.enumerated() {
      let key = FactoredKeys.experts(layer)
      let list = count == 0 ? [] : metadata[key]?.array?.integers
      guard let list, list.count == count, zip(list, list.dropFirst()).allSatisfy(<),
        list.allSatisfy({ (0..<experts).contains($0) })
      else {
        throw wrong(
          key,
          "expected \(count) ascending numbers below \(experts), as \(FactoredKeys.counts) says"
        )
      }
      kept.append(list)
    }
    self.kept = kept
    types = names.map { name in
      let type = ElementType(name: name)
      return type.isComputable ? type : nil
    }
  }
}
