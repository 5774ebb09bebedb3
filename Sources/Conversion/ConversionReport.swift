/// What a conversion did.
public struct ConversionReport: Sendable {
  /// Tensors written.
  public var tensorCount: Int
  /// Bytes of the output.
  public var byteCount: Int
  /// Files of the source that were not taken.
  public var leftOut: [FolderInventory.LeftOut]
  /// What an adapter holds, if one was written.
  public var adapter: LoRAReport?

  /// A report.
  public init(tensorCount: Int = 0, byteCount: Int = 0, leftOut: [FolderInventory.LeftOut] = []) {
    self.tensorCount = tensorCount
    self.byteCount = byteCount
    self.leftOut = leftOut
  }
}
