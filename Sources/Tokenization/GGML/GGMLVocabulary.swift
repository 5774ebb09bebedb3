/// What the keys `tokenizer.ggml.*` of a GGUF file say of a tokenizer.
///
/// The value knows nothing of the file itself: `Checkpoint` reads it from metadata and writes it
/// there. ``TokenizerDescription/init(_:file:)`` makes the tokenizer llama.cpp would use.
package struct GGMLVocabulary: Equatable, Sendable {
  /// How a word becomes tokens.
  package var model: Model
  /// The name of the way a text is cut into words; nil if the file gives none.
  package var pre: String?
  /// The tokens by id.
  package var tokens: [String]
  /// The kind of each token; nil if the file gives none, which makes all of them normal.
  package var types: [TokenType]?
  /// The score of each token; nil if the file gives none.
  package var scores: [Float]?
  /// The merges in order of rank, each two tokens with a space between; nil if the file gives none.
  package var merges: [String]?
  /// Tokens with a part to play, in the order they are written.
  package var specialTokens: [SpecialToken] = []
  /// What is put around a text, in the order it is written.
  package var additions: [Addition] = []
  /// Whether a space is put in front of a text; nil if the file does not say.
  package var addsSpacePrefix: Bool?
  /// The chat templates; the one without a name is the one to use.
  package var chatTemplates: [ChatTemplate] = []
  /// Whether a document starts with the bos token by the rule for Hugging Face folders (`bos_token`
  /// of tokenizer_config.json is not null).
  ///
  /// `convert_hf_to_gguf` writes `add_bos_token` only where the folder says it in other words. Where
  /// it writes none, our writer puts the key last, and that is all its output differs by.
  package var marksDocumentStart = false
  /// Added tokens of a Hugging Face folder for which the embedding has no row.
  package var tokensLeftOut: [String] = []

  /// A vocabulary of `tokens`.
  package init(model: Model, pre: String?, tokens: [String]) {
    self.model = model
    self.pre = pre
    self.tokens = tokens
  }

  /// The models that are read.
  package enum Model: String, Sendable, CaseIterable {
    /// Byte-level byte-pair encoding.
    case gpt2
    /// SentencePiece's merging by score.
    case llama
  }

  /// The kind of a token, numbered as in the file.
  package enum TokenType: Int32, Sendable, CaseIterable {
    case undefined = 0, normal, unknown, control, userDefined, unused, byte
  }

  /// A token with a part to play.
  package struct SpecialToken: Equatable, Sendable {
    /// Its part.
    package var role: Role
    /// Its id.
    package var id: Int32

    /// The token `id` as `role`.
    package init(_ role: Role, _ id: Int32) {
      self.role = role
      self.id = id
    }

    /// Parts that tokens play, by the name in the key `tokenizer.ggml.NAME_token_id`.
    package enum Role: String, Sendable, CaseIterable {
      case bos, eos, eot, eom, unknown
      // The format's own spelling.
      case separator = "seperator"
      case padding, mask, cls
      case fimPrefix = "fim_pre"
      case fimSuffix = "fim_suf"
      case fimMiddle = "fim_mid"
      case fimPadding = "fim_pad"
      case fimRepository = "fim_rep"
      case fimSeparator = "fim_sep"
      // Names of older files.
      case prefix, suffix, middle

      /// Its key in a GGUF file.
      package var key: String { "tokenizer.ggml.\(rawValue)_token_id" }
    }
  }

  /// Whether a token is put around a text.
  package struct Addition: Equatable, Sendable {
    /// Which token.
    package var kind: Kind
    /// Whether it is put there.
    package var isOn: Bool

    /// `kind`, on or off.
    package init(_ kind: Kind, _ isOn: Bool) {
      self.kind = kind
      self.isOn = isOn
    }

    /// Tokens that may be put around a text, by the name in `tokenizer.ggml.add_NAME_token`.
    package enum Kind: String, Sendable, CaseIterable {
      case bos, eos
      case separator = "sep"

      /// Its key in a GGUF file.
      package var key: String { "tokenizer.ggml.add_\(rawValue)_token" }
    }
  }

  /// A chat template.
  package struct ChatTemplate: Equatable, Sendable {
    /// Its name; nil for the one to use.
    package var name: String?
    /// Jinja.
    package var text: String

    /// The template `text`.
    package init(name: String? = nil, _ text: String) {
      self.name = name
      self.text = text
    }
  }

  // MARK: - Looking things up

  /// The id of the token that plays `role`.
  package func id(of role: SpecialToken.Role) -> Int32? {
    specialTokens.first { $0.role == role }?.id
  }

  /// Whether the file says that `kind` is put around a text; nil if it does not say.
  package func adds(_ kind: Addition.Kind) -> Bool? {
    additions.first { $0.kind == kind }?.isOn
  }

  /// Whether llama.cpp starts a text with the bos token: what the file says, else what is usual with
  /// its model and pre-tokenizer.
  package var startsWithBOSInLlamaCpp: Bool {
    adds(.bos) ?? (model == .llama || GGMLPreTokenizer.named(pre ?? "default")?.addsBOS == true)
  }
}
