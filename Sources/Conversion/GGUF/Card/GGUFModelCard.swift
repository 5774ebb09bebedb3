internal import Checkpoint
internal import GGUF
internal import Foundation
internal import JSON
internal import Storage
internal import SystemPackage
internal import Tensors

/// What a GGUF file says of itself for people: how to sample, name, licence, base, size.
///
/// Source: `gguf-py/gguf/metadata.py`, `Metadata.apply_metadata_heuristic` and `set_gguf_meta_model`,
/// and `utility.py`.
struct GGUFModelCard {
  /// Keys in the converter's order.
  private(set) var keys: [(String, GGUFValue)] = []

  /// Reads generation_config.json and the model card in README.md, then the names: `_name_or_path` in
  /// the configuration, that of the folder or file.
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
    // As the converter, do without settings that do not parse.
    if let bytes = try source.auxiliaryFile("generation_config.json"),
      let settings = try? JSONValue(parsing: bytes)
    {
      keys += SamplingSettings.keys(settings)
    }
    let card = ModelCard(readme: try source.auxiliaryFile("README.md") ?? [])
    // Factors make experts of many sizes, and a name does not know who was pruned.
    let label = card.text("size_label", "model_size_label") ?? first(\.sizeLabel)
    let computed = export.factored == nil ? GGUFModelCard.sizeLabel(export) : nil
    let entries: [(String, String?)] = [
      (
        "name",
        card.text("name", "model_name") ?? first { ModelNameParts.title($0.name) } ?? "model"
      ),
      ("author", card.text("author", "model_author", "model_creator")),
      ("version", card.text("version", "model_version") ?? first(\.version)),
      (
        "organization",
        card.text("organization", "model_organization")
          ?? first(\.organization).map(ModelNameParts.title)
      ),
      ("finetune", card.text("finetune", "model_finetune") ?? first(\.finetune)),
      ("basename", card.text("basename", "model_basename", "model_type") ?? first(\.basename)),
      ("description", card.text("description", "model_description")),
      ("size_label", (export.isWhole ? label : nil) ?? computed),
      ("license", card["license"]?.texts.joined(separator: ",")),
      ("license.name", card.text("license_name")),
      ("license.link", card.text("license_link")),
      ("source.url", card.text("url", "model_url")),
      ("source.doi", card.text("doi", "model_doi")),
      ("source.uuid", card.text("uuid", "model_uuid")),
      ("source.repo_url", card.text("repo_url", "model_repo_url")),
    ]
    keys += entries.compactMap { key, value in value.map { ("general.\(key)", .string($0)) } }
    add("base_model", of: ["base_model", "base_models", "base_model_sources"], card, parameters)
    add("dataset", of: ["datasets", "dataset", "dataset_sources"], card, parameters)
    for (key, names) in [
      ("tags", ["tags", "pipeline_tag"]), ("languages", ["languages", "language"]),
    ] {
      let texts = names.flatMap { card[$0]?.texts ?? [] }
      if !texts.isEmpty { keys.append(("general.\(key)", .array(GGUFArray(texts)))) }
    }
  }

  /// Adds the models or texts that the card names by their ids on the hub or by address.
  private mutating func add(_ key: String, of names: [String], _ card: ModelCard, _ parameters: Int)
  {
    guard let ids = names.lazy.compactMap({ card[$0]?.texts }).first else { return }
    keys.append(("general.\(key).count", .uint32(UInt32(ids.count))))
    for (number, id) in ids.enumerated() {
      var parts: ModelNameParts?
      var address: String?
      if id.starts(with: /(https?|ssh):\/\//) {
        address = id
        if let match = id.wholeMatch(of: /https?:\/\/huggingface.co\/([^\/]+\/[^\/]+)/) {
          parts = ModelNameParts(String(match.1), parameters: parameters)
        }
      } else {
        let found = ModelNameParts(id, parameters: parameters)
        parts = found
        address = found.organization.map { "https://huggingface.co/\($0)/\(found.name)" }
      }
      let entries: [(String, String?)] = [
        ("name", parts.map { ModelNameParts.title($0.name) }),
        ("version", parts?.version),
        ("organization", parts?.organization.map(ModelNameParts.title)),
        ("repo_url", address),
      ]
      keys += entries.compactMap { part, value in
        value.map { ("general.\(key).\(number).\(part)", .string($0)) }
      }
    }
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
