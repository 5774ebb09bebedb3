public import SystemPackage

/// A reason a safetensors file, or a set of them, is not accepted.
public enum SafetensorsError: Error, Equatable, CustomStringConvertible {
  /// Fewer than the eight bytes of the header's length.
  case headerTooSmall(file: FilePath, byteCount: Int)
  /// A Git LFS pointer stands where weights should be.
  case lfsPointer(file: FilePath)
  /// The header claims more than the format's 100,000,000 bytes.
  case headerTooLarge(file: FilePath, claimed: UInt64)
  /// The header claims more bytes than the file holds.
  case headerPastEnd(file: FilePath, claimed: UInt64, available: Int)
  /// The header is not the JSON it should be.
  case malformedHeader(file: FilePath, offset: Int, expected: String)
  /// Two tensors share a name.
  case duplicateName(file: FilePath, name: String)
  /// A tensor's entry lacks one of `dtype`, `shape`, `data_offsets`.
  case missingField(file: FilePath, tensor: String, field: String)
  /// Shape and type do not give the size that the offsets give.
  case wrongSize(file: FilePath, tensor: String, expected: Int, got: Int)
  /// A tensor's end lies before its begin.
  case reversedOffsets(file: FilePath, tensor: String)
  /// The shape cannot be counted, or its elements do not end on a byte.
  case invalidShape(file: FilePath, tensor: String, reason: String)
  /// Tensors leave a hole or overlap.
  case notContiguous(file: FilePath, tensor: String, expected: Int, got: Int)
  /// The buffer is longer or shorter than the tensors.
  case wrongBufferLength(file: FilePath, expected: Int, got: Int)
  /// The index is not the JSON it should be.
  case malformedIndex(file: FilePath, offset: Int, expected: String)
  /// The index names a file outside its folder, or one that is no safetensors file.
  case unsafeShardName(file: FilePath, shard: String)
  /// A shard that the index names is not there.
  case missingShard(file: FilePath, shard: String, missing: Int)
  /// A tensor is in no shard although the index names it.
  case missingTensor(file: FilePath, tensor: String, shard: String)
  /// A tensor is in two shards, and no index says which one counts.
  case tensorInTwoShards(first: FilePath, second: FilePath, tensor: String)
  /// A header to be written would be larger than the format allows.
  case outputHeaderTooLarge(file: FilePath, byteCount: Int)
  /// The output cannot hold this element type.
  case notExpressible(file: FilePath, tensor: String, type: String)

  /// What is wrong, where, and what helps.
  public var description: String {
    switch self {
    case .headerTooSmall(let file, let count):
      "\(file): \(count) bytes are too few for a safetensors header; is the download complete?"
    case .lfsPointer(let file):
      "\(file): this is a Git LFS pointer, not the weights; run 'git lfs pull' in its repository"
    case .headerTooLarge(let file, let claimed):
      "\(file): byte 0: the header claims \(claimed) bytes, the format allows 100000000; is this a"
        + " safetensors file?"
    case .headerPastEnd(let file, let claimed, let available):
      "\(file): byte 0: the header claims \(claimed) bytes but \(available) follow; is the download"
        + " complete?"
    case .malformedHeader(let file, let offset, let expected):
      "\(file): header byte \(offset): expected \(expected)"
    case .duplicateName(let file, let name):
      "\(file): the header names '\(name)' twice; a reader could take either, so none does"
    case .missingField(let file, let tensor, let field):
      "\(file): tensor '\(tensor)' has no '\(field)'"
    case .wrongSize(let file, let tensor, let expected, let got):
      "\(file): tensor '\(tensor)': shape and type give \(expected) bytes, data_offsets \(got)"
    case .reversedOffsets(let file, let tensor):
      "\(file): tensor '\(tensor)': data_offsets end before they begin"
    case .invalidShape(let file, let tensor, let reason):
      "\(file): tensor '\(tensor)': \(reason)"
    case .notContiguous(let file, let tensor, let expected, let got):
      "\(file): tensor '\(tensor)' begins at byte \(got) of the buffer, expected \(expected); tensors"
        + " must follow each other without hole or overlap"
    case .wrongBufferLength(let file, let expected, let got):
      "\(file): the tensors take \(expected) bytes but \(got) follow the header; "
        + (got < expected ? "is the download complete?" : "something was appended to the file")
    case .malformedIndex(let file, let offset, let expected):
      "\(file): byte \(offset): expected \(expected)"
    case .unsafeShardName(let file, let shard):
      "\(file): '\(shard)' is not the plain name of a .safetensors file beside the index"
    case .missingShard(let file, let shard, let missing):
      "\(file): shard \(shard) is missing" + (missing > 1 ? " (and \(missing - 1) more)" : "")
        + "; download it beside the index"
    case .missingTensor(let file, let tensor, let shard):
      "\(file): the index puts '\(tensor)' in \(shard), which does not hold it; are index and shards"
        + " of one download?"
    case .tensorInTwoShards(let first, let second, let tensor):
      "\(second): '\(tensor)' is also in \(first.lastComponent?.string ?? first.string), and there is"
        + " no index to say which one counts"
    case .outputHeaderTooLarge(let file, let count):
      "\(file): its header would take \(count) bytes, the format allows 100000000; use more shards"
    case .notExpressible(let file, let tensor, let type):
      "\(file): safetensors has no element type \(type) (tensor '\(tensor)'); choose another with"
        + " --type"
    }
  }
}
