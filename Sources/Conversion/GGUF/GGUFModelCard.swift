internal import Checkpoint
internal import GGUF
internal import Foundation
internal import SystemPackage
internal import Tensors

/// What a GGUF file says of itself for people: `general.name`, `general.size_label`.
///
/// Source: `gguf-py/gguf/metadata.py` and `utility.py`.
struct GGUFModelCard {
  let keys: [(String, GGUFValue)]

  init(_ source: Checkpoint, _ export: GGUFExport) throws {
    let name = source.location.path.lastComponent?.stem ?? "model"
    var keys: [(String, GGUFValue)] = [("general.name", .string(GGUFModelCard.title(name)))]
    // Factors make experts of many sizes.
    if export.factored == nil {
      keys.append(("general.size_label", .string(GGUFModelCard.sizeLabel(export))))
    }
    self.keys = keys
  }

  /// Words with capitals for hyphens.
  static func title(_ id: String) -> String {
    id.split(separator: "-").map { word in
      let isWord = word.allSatisfy { $0.isLetter && $0.isLowercase || $0.isNumber }
      return isWord ? word.prefix(1).uppercased() + word.dropFirst() : String(word)
    }.joined(separator: " ")
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
