/// Why a tokenizer cannot be read or a text cannot be tokenized.
package enum TokenizationError: Error, Equatable, CustomStringConvertible {
  /// The description holds something other than its format says.
  case malformed(file: String, place: String, expected: String, got: String)
  /// The description is legal but asks for something this program does not do.
  case unsupported(file: String, place: String, got: String, supported: String)
  /// No name of llama.cpp is known for the way this tokenizer cuts text into words.
  case unknownPreTokenizer(file: String)
  /// The vocabulary names tokens the model has no row for.
  case vocabularyTooLarge(file: String, token: String, id: Int, rows: Int)
  /// The text is not UTF-8 from this byte on.
  case invalidUTF8(offset: Int)
  /// A character has no token and the description's unknown token is not in its vocabulary.
  case noUnknownToken(file: String, unknown: String)
  /// A character has no token, and one of its bytes has none either.
  case noByteToken(file: String, token: String)
  /// No token has this id.
  case unknownID(Int32, file: String)
  /// A pattern took more steps on one piece of text than any sensible pattern needs.
  case patternTooSlow(file: String, pattern: String)

  /// What went wrong, where, and what to do about it.
  package var description: String {
    switch self {
    case .malformed(let file, let place, let expected, let got):
      "\(file), \(place): expected \(expected), got \(got); the file is damaged or is no"
        + " tokenizer: fetch it again"
    case .unsupported(let file, let place, let got, let supported):
      "\(file), \(place): \(got) is not supported; supported: \(supported). Tokenize with another"
        + " program and pass the ids instead of text"
    case .unknownPreTokenizer(let file):
      "\(file), pre_tokenizer: llama.cpp is not known to have a name for this way of cutting words."
        + " Name the one it should use with --pre (qwen2, llama-bpe, …), or copy the tokenizer of"
        + " another conversion of this model with --tokenizer-from OTHER.gguf"
    case .vocabularyTooLarge(let file, let token, let id, let rows):
      "\(file): token \(quoted(token)) has id \(id), but the model has only \(rows) rows of"
        + " embedding; the tokenizer belongs to another model"
    case .invalidUTF8(let offset):
      "text, byte \(offset): expected UTF-8; convert the text to UTF-8 first"
    case .noUnknownToken(let file, let unknown):
      "\(file): the text has a character without a token, and the unknown token"
        + " \(quoted(unknown)) is not in the vocabulary"
    case .noByteToken(let file, let token):
      "\(file): the text has a character without a token, and the vocabulary has no token"
        + " \(token) for its byte; take the tokenizer from a file that has it (--tokenizer-from)"
    case .unknownID(let id, let file):
      "\(file): no token has id \(id); the ids belong to another tokenizer"
    case .patternTooSlow(let file, let pattern):
      "\(file): the pattern \(quoted(pattern)) does not come to an end on this text; tokenize with"
        + " another program and pass the ids instead of text"
    }
  }
}

/// `text` in quotes, shortened, with control characters escaped: safe to print.
func quoted(_ text: String) -> String {
  var out = "\""
  for (index, scalar) in text.unicodeScalars.enumerated() {
    if index == 60 {
      out += "…"
      break
    }
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator:
      out += "\\u{" + String(scalar.value, radix: 16) + "}"
    default: out.unicodeScalars.append(scalar)
    }
  }
  return out + "\""
}
