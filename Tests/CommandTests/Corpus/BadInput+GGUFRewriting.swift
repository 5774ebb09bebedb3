import TestSupport

extension BadInput {
  /// The commands that write a GGUF model anew.
  private static func rewriting(_ model: String, in place: Workplace) -> [[String]] {
    [
      ["edit", place(model), "-o", place("out.gguf"), "--set", "x:u8=1"],
      ["merge", place(model), "-o", place("out.gguf")],
      ["split", place(model), "-o", place("out.gguf"), "--split-max-tensors", "1"],
    ]
  }

  /// GGUF files that break one rule each.
  static let rewrittenGGUF: [BadInput] = BadGGUF.all.map { bad in
    BadInput("GGUF: \(bad.description)", ["x.gguf"] + bad.words) { place in
      try place.folder.write(bad.bytes, to: "x.gguf")
      return rewriting("x.gguf", in: place)
    }
  }

  /// Three splits with a tensor each, of which one is changed, left out or renamed.
  private static func splits(
    _ name: String,
    saying words: String...,
    changing number: Int,
    to newName: String? = nil,
    _ change: @escaping @Sendable (inout RawGGUF) -> Void = { _ in }
  ) -> BadInput {
    BadInput("GGUF splits: \(name)", words) { place in
      for split in 0..<3 {
        var file = RawGGUF.sound(
          [("t\(split)", [8])],
          keys: RawGGUF.splitKeys(UInt16(split), of: 3, tensors: 3)
        )
        var name: String? = "x-0000\(split + 1)-of-00003.gguf"
        if split == number {
          change(&file)
          name = newName
        }
        if let name { try place.folder.write(file.bytes, to: name) }
      }
      return rewriting("x-0000\(number == 2 ? 2 : 3)-of-00003.gguf", in: place)
    }
  }

  /// Splits that do not belong together.
  static let rewrittenSplits: [BadInput] = [
    splits("one is missing", saying: "x-00001-of-00003.gguf", "missing", changing: 0),
    splits(
      "one lies at the name of another",
      saying: "x-00002-of-00003.gguf",
      "renamed",
      changing: 1,
      to: "x-00002-of-00003.gguf"
    ) {
      $0 = .sound([("t1", [8])], keys: RawGGUF.splitKeys(2, of: 3, tensors: 3))
    },
    splits(
      "a tensor is in two",
      saying: "x-00003-of-00003.gguf",
      "'t1'",
      changing: 2,
      to: "x-00003-of-00003.gguf"
    ) {
      $0 = .sound([("t1", [8])], keys: RawGGUF.splitKeys(2, of: 3, tensors: 3))
    },
    splits(
      "one is of another set",
      saying: "x-00003-of-00003.gguf",
      "split.tensors.count",
      changing: 2,
      to: "x-00003-of-00003.gguf"
    ) {
      $0 = .sound([("t2", [8])], keys: RawGGUF.splitKeys(2, of: 3, tensors: 4))
    },
    splits(
      "one is cut short",
      saying: "x-00002-of-00003.gguf",
      "download",
      changing: 1,
      to: "x-00002-of-00003.gguf"
    ) {
      $0.data.removeLast(16)
    },
  ]
}
