public import GGUF

/// One change that was made.
public struct GGUFMetadataChange: Sendable, Equatable {
  /// What happened.
  public enum Kind: Sendable, Equatable {
    /// A value was set; the key is new if it had none.
    case set(from: GGUFValue?, to: GGUFValue)
    /// The key was removed, with this value.
    case removed(GGUFValue)
    /// The key got another name.
    case renamed(to: String)
  }

  /// The key, by its old name.
  public let key: String
  /// What happened to it.
  public let kind: Kind
}
