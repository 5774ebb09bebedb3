internal import CZstd

/// The library behind this module.
public enum ZstandardLibrary {
  /// Its version, as it says itself.
  public static var version: String { String(cString: ZSTD_versionString()) }
}
