internal import Storage
internal import SystemPackage

/// Room on disk that a run will need, looked at before it starts.
struct DiskSpace {
  /// Bytes that will be written below a folder.
  struct Need {
    /// The folder.
    var folder: FilePath
    /// Less is certainly too little.
    var least: Int
    /// More is never needed.
    var most: Int

    /// Bytes that are known exactly.
    init(_ folder: FilePath, exactly bytes: Int) { self.init(folder, least: bytes, most: bytes) }

    /// A pack of tensors of `bytes` in all: coded without loss, floats keep two thirds of their
    /// bytes at the best.
    init(_ folder: FilePath, packOf bytes: Int) {
      self.init(folder, least: bytes / 10 * 6, most: bytes)
    }

    private init(_ folder: FilePath, least: Int, most: Int) {
      self.folder = folder
      self.least = least
      self.most = most
    }
  }

  /// Refuses a disk that is certainly too small and warns of one that may be.
  ///
  /// - Parameters:
  ///   - needs: What will be written; folders may share a disk.
  ///   - written: Bytes of it that an unfinished run has written already.
  /// - Throws: `StorageError.notEnoughSpace`.
  static func check(_ needs: [Need], written: Int = 0) throws {
    var disks: [(need: Need, available: Int)] = []
    for need in needs {
      if let place = disks.firstIndex(where: { FileSystem.isSameDisk($0.need.folder, need.folder) })
      {
        disks[place].need.least += need.least
        disks[place].need.most += need.most
      } else {
        disks.append((need, try FileSystem.availableBytes(at: need.folder)))
      }
    }
    for (need, available) in disks {
      let room = available + written
      guard need.least <= room else {
        throw StorageError.notEnoughSpace(path: need.folder, needed: need.least, available: room)
      }
      guard need.most > room else { continue }
      Console.warn(
        "\(need.folder): up to \(SafeText.bytes(need.most)) may be written here, and the disk has"
          + " \(SafeText.bytes(room)) left"
      )
    }
  }
}
