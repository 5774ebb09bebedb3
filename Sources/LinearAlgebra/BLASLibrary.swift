internal import COpenBLAS

/// The library behind this module.
package enum BLASLibrary {
  /// Its version and the kernel it chose for this processor, as it says itself; results differ by
  /// both.
  package static var description: String {
    "\(String(cString: openblas_get_config())), kernel \(String(cString: openblas_get_corename()))"
  }
}
