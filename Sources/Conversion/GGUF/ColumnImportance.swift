/// How much errors in the columns of a matrix count, as an importance matrix says.
public protocol ColumnImportance: Sendable {
  /// A weight per column; nil if nothing is known of the tensor.
  ///
  /// - Parameters:
  ///   - tensor: Its name in the GGUF file.
  ///   - expert: The expert's place in a stack, by its number in the original model.
  ///   - columns: How many are expected.
  func weights(of tensor: String, expert: Int?, columns: Int) throws -> [Float]?
}
