package import TestSupport

/// A format under fuzzing: what sound files look like, how they are spoilt, and what must hold of
/// any bytes at all.
package protocol FuzzTarget: AnyObject, SendableMetatype {
  /// The word for it on the command line, and the folder of its kept inputs in `Fixtures/fuzz`.
  static var name: String { get }

  /// Prepares sound inputs.
  ///
  /// - Parameters:
  ///   - folder: An empty folder for the files a run writes.
  ///   - fixtures: The repository's `Fixtures`.
  /// - Throws: What making the inputs throws.
  init(folder: String, fixtures: String) throws

  /// Sound inputs to start from.
  var seeds: [[UInt8]] { get }

  /// A spoilt copy of `input`, which may itself be spoilt already.
  func mutated(_ input: [UInt8], using random: inout SeededRandom) -> [UInt8]

  /// Treats `input` as the program would.
  ///
  /// - Returns: Whether it was opened.
  /// - Throws: ``BrokenProperty`` if it was neither refused by name nor found sound throughout.
  func run(_ input: [UInt8]) throws -> Bool
}

/// All formats.
package let fuzzTargets: [any FuzzTarget.Type] = [
  SafetensorsTarget.self, IndexTarget.self, ConfigurationTarget.self, TokenizerTarget.self,
  PackTarget.self, GGUFTarget.self, GGUFModelTarget.self, AdapterTarget.self,
  ImportanceMatrixTarget.self,
]
