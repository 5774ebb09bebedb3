import Glibc

/// Where the tests find their data; Fixtures/README.md says what each file is.
public enum Fixtures {
  /// The file `relative` inside the repository's `Fixtures`.
  public static func path(_ relative: String) -> String { folder + "/" + relative }

  /// The file `relative` in the folder `shared` beside the repository; nil where there is none.
  public static func shared(_ relative: String) -> String? {
    let path = folder + "/../../shared/" + relative
    return access(path, R_OK) == 0 ? path : nil
  }

  /// The file at `relative` in `Fixtures`, else in `shared`, else nil.
  public static func find(_ relative: String) -> String? {
    let own = path(relative)
    return access(own, R_OK) == 0 ? own : shared(relative)
  }

  private static let folder: String = {
    let file = #filePath
    return String(file[..<(file.lastIndex(of: "/") ?? file.endIndex)])
  }()
}
