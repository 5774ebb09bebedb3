internal import Checkpoint
internal import Storage
internal import SystemPackage
internal import Tensors

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

    /// Of it an unfinished run has written already.
    var written: Int

    /// Bytes that are known exactly.
    init(_ folder: FilePath, exactly bytes: Int, written: Int = 0) {
      self.init(folder, least: bytes, most: bytes, written: written)
    }

    /// A pack of `bytes` of tensors, which have the types of those in `checkpoint`.
    ///
    /// Coded without loss, trained 16-bit floats keep two thirds of their bytes, two fifths if they
    /// once had eight bits, and Float32 half of that; of other types nothing is certain.
    init(_ folder: FilePath, packOf bytes: Int, like checkpoint: Checkpoint, written: Int = 0) {
      var (all, least) = (0.0, 0.0)
      for tensor in checkpoint.tensors {
        let size = Double(tensor.byteCount)
        all += size
        switch tensor.type {
        case .bf16, .f16: least += 0.35 * size
        case .f32: least += 0.15 * size
        default: break
        }
      }
      let share = all > 0 ? least / all : 0
      self.init(folder, least: Int(share * Double(bytes)), most: bytes, written: written)
    }

    private init(_ folder: FilePath, least: Int, most: Int, written: Int) {
      self.written = written
      self.folder = folder
      self.least = least
      self.most = most
    }
  }

  /// Refuses a disk that is certainly too small and warns of one that may be.
  ///
  /// - Parameter needs: What will be written; folders may share a disk.
  /// - Throws: `StorageError.notEnoughSpace`.
  static func check(_ needs: [Need]) throws {
    var disks: [(need: Need, available: Int)] = []
    for need in needs {
      if let place = disks.firstIndex(where: { FileSystem.isSameDisk($0.need.folder, need.folder) })
      {
        disks[place].need.least += need.least
        disks[place].need.most += need.most
        disks[place].need.written += need.written
      } else {
        disks.append((need, try FileSystem.availableBytes(at: need.folder)))
      }
    }
    for (need, available) in disks {
      let room = available + need.written
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
