internal import Checkpoint
internal import GGUF
internal import Foundation
internal import JSON
internal import Storage
internal import SystemPackage
internal import Tensors

/// What a GGUF file says of itself for people: name, base, size.
///
/// Source: `gguf-py/gguf/metadata.py`, `Metadata.apply_metadata_heuristic`, and `utility.py`. The
/// model card in README.md is not read.
struct GGUFModelCard {
  /// Keys in the converter's order.
  let keys: [(String, GGUFValue)]

  /// Reads names: that of `_name_or_path` in the configuration, then that of the folder or file.
  init(_ source: Checkpoint, _ export: GGUFExport) throws {
    let parameters = export.items.reduce(0) { $0 + $1.layout.shape.reduce(1, *) }
    var ids: [String] = []
    if let id = source.configurationJSON?["_name_or_path"]?.string, !id.isEmpty,
      id.count(where: { $0 == "/" }) <= 1
    {
      ids.append(id)
    }
    let file = source.location.path.lastComponent
    if let file {
      let isFolder = FileSystem.isDirectory(source.location.path)
      ids.append(isFolder ? file.string : file.stem)
    }
    let names = ids.map { ModelNameParts($0, parameters: parameters) }
    func first(_ part: (ModelNameParts) -> String?) -> String? { names.compactMap(part).first }
    let entries: [(String, String?)] = [
      ("name", first { ModelNameParts.title($0.name) } ?? "model"),
      ("version", first(\.version)),
      ("organization", first(\.organization).map(ModelNameParts.title)),
      ("finetune", first(\.finetune)),
      ("basename", first(\.basename)),
      // Factors make experts of many sizes.
      (
        "size_label",
        (export.isWhole ? first(\.sizeLabel) : nil)
          ?? (export.factored == nil ? GGUFModelCard.sizeLabel(export) : nil)
      ),
    ]
    keys = entries.compactMap { key, value in value.map { ("general.\(key)", .string($0)) } }
  }

  /// Experts times the parameters that one of them makes with all that is shared, as in "8x7B".
  static func sizeLabel(_ export: GGUFExport) -> String {
    var (shared, experts) = (0, 0)
    for item in export.items {
      let count = item.layout.shape.reduce(1, *)
      if GGUFTensorCategory(item.layout.name).isExpert {
        experts += count / max(1, item.layout.shape[0])
      } else {
        shared += count
      }
    }
    return "\(export.experts)x\(rounded(shared + experts))"
  }

  /// Two digits at least and a letter for the thousands.
  private static func rounded(_ count: Int) -> String {
    let scales: [(above: Double, unit: Double, letter: String)] = [
      (1e12, 1e12, "T"), (1e9, 1e9, "B"), (1e6, 1e6, "M"), (-1, 1e3, "K"),
    ]
    let value = Double(count)
    let scale = scales.first { value > $0.above } ?? scales[3]
    let scaled = value / scale.unit
    let whole = String(Int(scaled.rounded(.toNearestOrEven)))
    let digits = max(0, 2 - (whole == "0" ? 0 : whole.count))
    return String(format: "%.\(digits)f", scaled) + scale.letter
  }
}
