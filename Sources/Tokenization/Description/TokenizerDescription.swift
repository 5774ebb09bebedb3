/// Everything a tokenizer is made of, as plain values.
///
/// A description says nothing of the file format it came from: `tokenizer.json` and the keys of a
/// GGUF both fill it. ``Tokenizer`` is built from it.
package struct TokenizerDescription: Equatable, Sendable {
  /// The file the description was read from, for messages.
  package var file: String
  /// How a word becomes tokens.
  package var model: Model
  /// The tokens the model can produce; ids are unique, not necessarily dense.
  package var vocabulary: [Token]
  /// Tokens recognised in the text itself, before the model sees it.
  package var addedTokens: [AddedToken]
  /// Which of two added tokens has the text that both could take.
  package var addedTokenOrder = AddedTokenOrder.leftmost
  /// Tokens that decoding may leave out though they are not looked for in the text.
  package var controlTokens: [Int32] = []
  /// What is done to the text first, in order.
  package var normalizers: [Normalizer]
  /// How the text is cut into words, in order.
  package var preTokenizers: [PreTokenizer]
  /// How tokens become text again, in order; nil joins them with spaces.
  package var decoders: [Decoder]?

  /// A description of these parts.
  package init(
    file: String,
    model: Model,
    vocabulary: [Token],
    addedTokens: [AddedToken] = [],
    normalizers: [Normalizer] = [],
    preTokenizers: [PreTokenizer] = [],
    decoders: [Decoder]? = nil
  ) {
    self.file = file
    self.model = model
    self.vocabulary = vocabulary
    self.addedTokens = addedTokens
    self.normalizers = normalizers
    self.preTokenizers = preTokenizers
    self.decoders = decoders
  }

  /// The kind of model.
  package enum Model: Equatable, Sendable {
    /// Byte-pair encoding with ranked merges.
    case bytePair(BytePair)
    /// SentencePiece's merging by score, as llama.cpp does it.
    case sentencePiece(SentencePiece)
  }

  /// Merging by score: start from characters, join the neighbours that make the token of highest
  /// score until none do; a character without a token becomes tokens `<0xNN>` of its bytes.
  package struct SentencePiece: Equatable, Sendable {
    /// The score of each token, in the order of the vocabulary.
    package var scores: [Float]

    /// A model of these scores.
    package init(scores: [Float]) { self.scores = scores }
  }

  /// Byte-pair encoding: start from characters, merge the pair of lowest rank until none is left.
  package struct BytePair: Equatable, Sendable {
    /// The pairs in order of rank.
    package var merges: [Merge]
    /// Whether a character without a token becomes tokens `<0xNN>` of its bytes.
    package var byteFallback: Bool
    /// The token for what has no other.
    package var unknownToken: String?
    /// Whether neighbouring unknown characters become one unknown token.
    package var fuseUnknown: Bool
    /// Whether a word that is itself a token is taken whole, whatever the merges say.
    package var ignoreMerges: Bool

    /// A model of these parts.
    package init(
      merges: [Merge],
      byteFallback: Bool = false,
      unknownToken: String? = nil,
      fuseUnknown: Bool = false,
      ignoreMerges: Bool = false
    ) {
      self.merges = merges
      self.byteFallback = byteFallback
      self.unknownToken = unknownToken
      self.fuseUnknown = fuseUnknown
      self.ignoreMerges = ignoreMerges
    }
  }

  /// Two tokens that become one.
  package struct Merge: Equatable, Sendable {
    /// The left token.
    package var left: String
    /// The right token.
    package var right: String

    /// The merge of `left` and `right`.
    package init(_ left: String, _ right: String) {
      self.left = left
      self.right = right
    }
  }

  /// A token and its id.
  package struct Token: Equatable, Sendable {
    /// The token as the vocabulary spells it.
    package var text: String
    /// Its id.
    package var id: Int32

    /// The token `text` with `id`.
    package init(_ text: String, id: Int32) {
      self.text = text
      self.id = id
    }
  }

  /// A token that is looked for in the text before anything else happens to it.
  package struct AddedToken: Equatable, Sendable {
    /// Its id.
    package var id: Int32
    /// The text to look for.
    package var content: String
    /// Whether decoding may leave it out.
    package var special = false
    /// Whether it is looked for in the normalized text, and is itself normalized, rather than raw.
    package var normalized = false
    /// Whether white space to its left belongs to it.
    package var stripsLeft = false
    /// Whether white space to its right belongs to it.
    package var stripsRight = false
    /// Whether it counts only where no word character touches it.
    package var singleWord = false

    /// A token looked for in the raw text.
    package init(id: Int32, content: String) {
      self.id = id
      self.content = content
    }
  }

  /// Which of two added tokens goes first where they overlap.
  package enum AddedTokenOrder: Equatable, Sendable {
    /// The one further left, then the longer: as `tokenizers` does.
    case leftmost
    /// The longer one, then the one further left: as llama.cpp does.
    case longest
  }

  /// What to look for when replacing or splitting.
  package enum Pattern: Equatable, Sendable {
    /// This very text.
    case string(String)
    /// A regular expression in Oniguruma's (Ruby) syntax.
    case regex(String)
  }

  /// One change to the text.
  package enum Normalizer: Equatable, Sendable {
    /// Unicode normalization.
    case unicode(UnicodeForm)
    /// Puts this text in front of every piece that is not empty.
    case prepend(String)
    /// Replaces every match.
    case replace(Pattern, with: String)
    /// Lower case, one code point at a time.
    case lowercase
    /// Removes white space at the ends.
    case strip(left: Bool, right: Bool)
    /// Writes every byte as the character GPT-2 gives it.
    case byteLevel
  }

  /// Unicode's four normalization forms.
  package enum UnicodeForm: String, Equatable, Sendable, CaseIterable {
    /// Canonical composition.
    case nfc = "NFC"
    /// Canonical decomposition.
    case nfd = "NFD"
    /// Compatibility composition.
    case nfkc = "NFKC"
    /// Compatibility decomposition.
    case nfkd = "NFKD"
  }

  /// What becomes of the matches of a split.
  package enum SplitBehavior: String, Equatable, Sendable, CaseIterable {
    /// They are pieces of their own.
    case isolated = "Isolated"
    /// They are dropped.
    case removed = "Removed"
    /// They end the piece before them.
    case mergedWithPrevious = "MergedWithPrevious"
    /// They begin the piece after them.
    case mergedWithNext = "MergedWithNext"
    /// Neighbouring matches form one piece.
    case contiguous = "Contiguous"
  }

  /// Where a metaspace is put in front.
  package enum PrependScheme: String, Equatable, Sendable, CaseIterable {
    /// At the start of the text only.
    case first
    /// At the start of every piece.
    case always
    /// Nowhere.
    case never
  }

  /// One way of cutting the text into smaller pieces.
  package enum PreTokenizer: Equatable, Sendable {
    /// Cuts at the matches of a pattern, or with `invert` at what lies between them.
    case split(Pattern, SplitBehavior, invert: Bool)
    /// Writes every byte as the character GPT-2 gives it, perhaps after cutting by GPT-2's pattern.
    case byteLevel(addPrefixSpace: Bool, useRegex: Bool)
    /// Writes spaces as `replacement`, and perhaps cuts before each.
    case metaspace(replacement: Unicode.Scalar, PrependScheme, split: Bool)
    /// Cuts between words, other signs and white space, which is dropped.
    case whitespace
    /// Cuts at white space, which is dropped.
    case whitespaceSplit
    /// Sets numbers apart, one digit at a time or whole.
    case digits(individual: Bool)
    /// Cuts at punctuation marks.
    case punctuation(SplitBehavior)
  }

  /// One step from tokens to text.
  package enum Decoder: Equatable, Sendable {
    /// Reads GPT-2's characters as bytes.
    case byteLevel
    /// Replaces every match in each token.
    case replace(Pattern, with: String)
    /// Reads tokens `<0xNN>` as bytes.
    case byteFallback
    /// Makes one token of all.
    case fuse
    /// Drops up to so many `content` at the ends of each token.
    case strip(content: Unicode.Scalar, start: Int, stop: Int)
    /// Writes `replacement` as a space; that in front of the first token is dropped with `prepended`.
    case metaspace(replacement: Unicode.Scalar, prepended: Bool)
  }
}
