public import SystemPackage

/// A reason a GGUF file, or a set of splits, is not accepted or cannot be written.
public enum GGUFError: Error, Equatable, CustomStringConvertible {
  // MARK: The start of the file

  /// A Git LFS pointer stands where a model should be.
  case lfsPointer(file: FilePath)
  /// The file does not start with "GGUF".
  case notGGUF(file: FilePath, start: [UInt8])
  /// All numbers are in the other byte order.
  case bigEndian(file: FilePath, version: UInt32)
  /// A version other than 2 and 3.
  case unsupportedVersion(file: FilePath, version: UInt32)

  // MARK: Sizes

  /// The file ends before something it announces.
  case pastEnd(file: FilePath, offset: Int, place: String, needed: UInt64, available: Int)
  /// Something is larger than any real file has it.
  case overLimit(file: FilePath, offset: Int, place: String, claimed: UInt64, limit: Int)
  /// Keys, values and the list of tensors take more bytes than is accepted.
  case headerTooLarge(file: FilePath, limit: Int)

  // MARK: Metadata

  /// A key or a tensor's name that is none.
  case invalidName(file: FilePath, offset: Int, place: String, reason: String)
  /// Text that is not UTF-8.
  case invalidUTF8(file: FilePath, offset: Int, place: String)
  /// Two pairs share a key.
  case duplicateKey(file: FilePath, offset: Int, key: String)
  /// A value's type is not one of the thirteen.
  case unknownValueType(file: FilePath, offset: Int, place: String, type: UInt32)
  /// An array of arrays.
  case nestedArray(file: FilePath, offset: Int, key: String)
  /// A truth value other than 0 and 1.
  case invalidBool(file: FilePath, offset: Int, place: String, value: UInt8)
  /// A key that the format gives a type has another.
  case wrongKeyType(file: FilePath, key: String, expected: String, got: String)
  /// A key that must be there is missing.
  case missingKey(file: FilePath, key: String)
  /// `general.alignment` is no power of two from 8 to 1,048,576.
  case invalidAlignment(file: FilePath, value: UInt32)

  // MARK: Tensors

  /// Two tensors of a file share a name; the offset is that of the second's entry, nil in a file to be
  /// written.
  case duplicateTensor(file: FilePath, offset: Int?, tensor: String)
  /// Shape, type or size of a tensor cannot be; the offset is that of its entry, nil in a file to be
  /// written.
  case invalidTensor(file: FilePath, offset: Int?, tensor: String, reason: String)
  /// A tensor does not start at a multiple of the alignment; `entry` is where the header lists it.
  case misaligned(file: FilePath, entry: Int, tensor: String, offset: UInt64, alignment: Int)
  /// A tensor ends, or starts, past the end of the file.
  case tensorPastEnd(file: FilePath, tensor: String, offset: UInt64, needed: Int, available: Int)
  /// Two tensors share bytes.
  case overlap(file: FilePath, tensor: String, other: String)
  /// A tensor of a type without a known size was to be read.
  case unknownElementType(file: FilePath, tensor: String, type: String)

  // MARK: Splits

  /// A split's name is not the one its keys ask for.
  case misnamedSplit(file: FilePath, number: Int, count: Int)
  /// Splits of the set are not there.
  case missingSplit(file: FilePath, split: String, missing: Int)
  /// A split is there twice.
  case splitTwice(first: FilePath, second: FilePath, number: Int)
  /// A file says otherwise than the first split.
  case splitsDisagree(file: FilePath, key: String, expected: String, got: String)
  /// The splits have more or fewer tensors together than they say.
  case wrongTensorCount(file: FilePath, expected: Int, got: Int)
  /// A tensor is in two splits.
  case tensorInTwoSplits(first: FilePath, second: FilePath, tensor: String)

  // MARK: Writing

  /// GGUF has no such element type.
  case notExpressible(file: FilePath, tensor: String, type: String)
  /// A rule of the format forbids what was to be written.
  case cannotWrite(file: FilePath, what: String, reason: String)
  /// A file was to be finished before all its bytes were there.
  case unwritten(file: FilePath, tensor: String, missing: Int)

  /// What is wrong, where, and what helps.
  public var description: String {
    switch self {
    case .lfsPointer(let file):
      "\(file): this is a Git LFS pointer, not the model; run 'git lfs pull' in its repository"
    case .notGGUF(let file, let start):
      "\(file): byte 0: 'GGUF' expected, got \(GGUFError.shown(start)); "
        + (GGUFError.isAncestor(start)
          ? "this is a file of before GGUF: convert the original model again"
          : "is this a GGUF file?")
    case .bigEndian(let file, let version):
      "\(file): byte 4: version \(version) in big-endian order; convert the file with"
        + " 'gguf-convert-endian FILE little' of the Python package gguf"
    case .unsupportedVersion(let file, let version):
      "\(file): byte 4: version \(version) of GGUF, versions 2 and 3 are read; "
        + (version == 1
          ? "convert the original model again, or download a newer file"
          : version == 0
            ? "is the file damaged?" : "a newer moepack may read it")
    case .pastEnd(let file, let offset, let place, let needed, let available):
      "\(file): byte \(offset): \(place) needs \(needed) bytes but \(available) are left; is the"
        + " download complete?"
    case .overLimit(let file, let offset, let place, let claimed, let limit):
      "\(file): byte \(offset): \(claimed) for \(place), at most \(limit) are accepted; is the file"
        + " damaged?"
    case .headerTooLarge(let file, let limit):
      "\(file): what stands before the data takes more than the \(limit) bytes that are accepted;"
        + " \(GGUFError.again)"
    case .invalidName(let file, let offset, let place, let reason):
      "\(file): byte \(offset): \(place) \(reason); \(GGUFError.again)"
    case .invalidUTF8(let file, let offset, let place):
      "\(file): byte \(offset): \(place) is not UTF-8; \(GGUFError.again)"
    case .duplicateKey(let file, let offset, let key):
      "\(file): byte \(offset): the key '\(key)' comes twice; a reader could take either, so none"
        + " does: convert the model again"
    case .unknownValueType(let file, let offset, let place, let type):
      "\(file): byte \(offset): \(place) has the value type \(type), which GGUF does not define;"
        + " \(GGUFError.again)"
    case .nestedArray(let file, let offset, let key):
      "\(file): byte \(offset): the value of '\(key)' is an array of arrays, which llama.cpp refuses,"
        + " too; remove the key with the tool that wrote it"
    case .invalidBool(let file, let offset, let place, let value):
      "\(file): byte \(offset): \(place) is the truth value \(value), neither 0 nor 1;"
        + " \(GGUFError.again)"
    case .wrongKeyType(let file, let key, let expected, let got):
      "\(file): the value of '\(key)' is of type \(got), expected \(expected); \(GGUFError.again)"
    case .missingKey(let file, let key):
      "\(file): the key '\(key)' is missing; is this a split of the model? download it, or split the"
        + " model, again"
    case .invalidAlignment(let file, let value):
      "\(file): general.alignment is \(value), expected a power of two from"
        + " \(GGUFLimits.alignments.lowerBound) to \(GGUFLimits.alignments.upperBound);"
        + " \(GGUFError.again)"
    case .duplicateTensor(let file, let offset, let tensor):
      "\(file):\(GGUFError.place(offset)) tensor '\(tensor)' comes twice; a reader could take either,"
        + " so none does: convert the model again"
    case .invalidTensor(let file, let offset, let tensor, let reason):
      "\(file):\(GGUFError.place(offset)) tensor '\(tensor)': \(reason)"
        + (offset == nil ? "" : "; \(GGUFError.again)")
    case .misaligned(let file, let entry, let tensor, let offset, let alignment):
      "\(file): byte \(entry): tensor '\(tensor)' begins at byte \(offset) of the data, which is no"
        + " multiple of the alignment, \(alignment); \(GGUFError.again)"
    case .tensorPastEnd(let file, let tensor, let offset, let needed, let available):
      "\(file): tensor '\(tensor)' has \(needed) bytes from byte \(offset) of the data, which has"
        + " \(available); is the download complete?"
    case .overlap(let file, let tensor, let other):
      "\(file): tensors '\(other)' and '\(tensor)' share bytes, and each must have its own;"
        + " \(GGUFError.again)"
    case .unknownElementType(let file, let tensor, let type):
      "\(file): tensor '\(tensor)' is of type \(type), whose size this version does not know; take a"
        + " file quantised to another type"
    case .misnamedSplit(let file, let number, let count):
      "\(file): it says that it is split \(number + 1) of \(count), so its name must end in"
        + " '\(GGUFSplitName.suffix(number, of: count))'; was it renamed or swapped with another?"
    case .missingSplit(let file, let split, let missing):
      "\(file): split \(split) is missing" + (missing > 1 ? " (and \(missing - 1) more)" : "")
        + "; download it beside the others"
    case .splitTwice(let first, let second, let number):
      "\(second): split \(number + 1) is also \(first.lastComponent?.string ?? first.string); leave"
        + " one of them out"
    case .splitsDisagree(let file, let key, let expected, let got):
      "\(file): '\(key)' is \(got), in the first split \(expected); are all splits of one model?"
    case .wrongTensorCount(let file, let expected, let got):
      "\(file): the splits say that they have \(expected) tensors together, but there are \(got); are"
        + " all of one model?"
    case .tensorInTwoSplits(let first, let second, let tensor):
      "\(second): tensor '\(tensor)' is also in \(first.lastComponent?.string ?? first.string); are"
        + " both of one model?"
    case .notExpressible(let file, let tensor, let type):
      "\(file): GGUF has no element type \(type) (tensor '\(tensor)'); 'moepack convert --type' makes"
        + " another of it"
    case .cannotWrite(let file, let what, let reason):
      "\(file): cannot write \(what): \(reason)"
    case .unwritten(let file, let tensor, let missing):
      "\(file): \(missing) bytes of tensor '\(tensor)' were never written, so the file is not put in"
        + " place"
    }
  }

  /// What helps where the file itself is at fault.
  private static let again = "is the file damaged? download or convert it again"

  /// Where in a file, with a space before it; nothing where that is not known.
  private static func place(_ offset: Int?) -> String { offset.map { " byte \($0):" } ?? "" }

  /// Whether a file is of one of the formats that llama.cpp had before GGUF.
  private static func isAncestor(_ start: [UInt8]) -> Bool {
    ["lmgg", "fmgg", "tjgg", "algg", "GGML"].contains { start.elementsEqual($0.utf8) }
  }

  /// The first bytes of a file in hexadecimal.
  private static func shown(_ start: [UInt8]) -> String {
    start.isEmpty
      ? "an empty file"
      : start.map { ($0 < 16 ? "0" : "") + String($0, radix: 16, uppercase: true) }
        .joined(separator: " ")
  }
}
