internal import GGUF
internal import JSON
internal import Pack
internal import Tensors

/// The experts of a GGUF file with factored experts: which tensors make which matrix.
struct FactoredExperts {
  /// The matrices, `parts` being places in the file's list.
  private(set) var matrices: [PackMatrix] = []
  /// The first thing that is wrong with them.
  private(set) var problem: CheckpointError?

  /// Names that a file has beside those of its family.
  static let rules: [TensorNames.Rule] = [
    ("gate", TensorRole.expertGate), ("up", .expertUp), ("down", .expertDown),
  ].flatMap { word, role in
    ["weight", "u", "v"].map { ("blk.#.exps.#.ffn_\(word).\($0)", role) }
  }

  /// The name by which commands know a tensor, as in a pack: the family's, and which factor it is.
  static func name(of fileName: String, _ place: TensorPlace, _ names: TensorNames) -> String {
    let part = fileName.hasSuffix(".u") ? "#u" : fileName.hasSuffix(".v") ? "#v" : ""
    return names.name(of: place) + part
  }

  /// Puts the parts together.
  ///
  /// - Parameters:
  ///   - contents: The file.
  ///   - places: What each of its tensors does.
  ///   - keys: Which experts are left.
  ///   - configuration: For the layers that have experts.
  init(
    _ contents: GGUFContents,
    _ places: [TensorPlace],
    _ keys: FactoredKeys,
    _ configuration: JSONObject
  ) {
    let path = contents.path
    func fail(_ reason: String) {
      problem = problem ?? .brokenExperts(path: path, reason: reason)
    }
    var parts: [TensorPlace: [String: Int]] = [:]
    var order: [TensorPlace] = []
    for (index, place) in places.enumerated() {
      let name = contents.source.tensors[index].name
      guard place.role.isExpert else {
        if name.contains(".exps.") { fail("tensor '\(name)' is no part of an expert's matrix") }
        continue
      }
      guard let layer = place.layer, let expert = place.expert, keys.kept.indices.contains(layer),
        keys.kept[layer].contains(expert)
      else {
        fail("tensor '\(name)' is of an expert that 'moepack.experts.\(place.layer ?? 0)' has not")
        continue
      }
      if parts[place] == nil { order.append(place) }
      let part = name.split(separator: ".").last.map(String.init) ?? ""
      parts[place, default: [:]][part] = index
    }
    for place in order {
      guard let found = parts[place], let layer = place.layer, let expert = place.expert,
        let projection = Projection.allCases.first(where: { $0.role == place.role })
      else { continue }
      let title = "expert \(expert) of layer \(layer): its \(projection.rawValue) matrix"
      func shape(_ index: Int) -> [Int] { contents.source.tensors[index].shape }
      var (form, members, rows, columns) = (PackMatrix.Form.dense, [Int](), 0, 0)
      if let whole = found["weight"], found.count == 1 {
        guard shape(whole).count == 2 else {
          fail("\(title) has not two axes")
          return
        }
        (members, rows, columns) = ([whole], shape(whole)[0], shape(whole)[1])
      } else if let u = found["u"], let v = found["v"], found.count == 2 {
        guard shape(u).count == 2, shape(v).count == 2, shape(u)[0] == shape(v)[0], shape(u)[0] > 0
        else {
          fail("\(title) has factors of shapes \(shape(u)) and \(shape(v)): no common rank")
          return
        }
        (form, members, rows, columns) = (.factors, [u, v], shape(u)[1], shape(v)[1])
      } else {
        fail(
          "\(title) has the parts \(found.keys.sorted().joined(separator: ", ")); expected weight"
            + " alone, or u and v"
        )
        return
      }
      matrices.append(
        PackMatrix(
          layer: layer,
          expert: expert,
          projection: projection.packed,
          form: form,
          rows: rows,
          columns: columns,
          parts: members
        )
      )
    }
  }
}
