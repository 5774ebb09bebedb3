internal import JSON

/// What was measured of one factored matrix.
package struct FactoringRecord: Sendable, Equatable {
  /// Original number of the expert.
  package var expert: Int
  /// Which matrix: gate, up or down.
  package var projection: String
  /// Rank of its factors.
  package var rank: Int
  /// Relative error of the weight, ‖W − W'‖ / ‖W‖.
  package var weightError: Double
  /// Relative error of the output on the expert's tokens; nil without tokens.
  package var outputError: Double?
  /// Element type of the factors.
  package var type: String
}

/// The factors of one matrix as they are stored, with what was measured of them.
struct FactoredMatrix: Sendable {
  var record: FactoringRecord
  /// Bytes of Uᵀ, [rank, m]; empty where an earlier run has written them.
  var left: [UInt8]
  /// Bytes of V, [rank, n]; empty likewise.
  var right: [UInt8]
}
