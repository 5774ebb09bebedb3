/// Where the pipeline says how far it is.
package protocol PipelineObserver: AnyObject {
  /// Runs a stage of `total` steps; `body` calls its argument after each.
  func stage(_ name: String, total: Int, _ body: (_ advance: () -> Void) throws -> Void) throws
}
