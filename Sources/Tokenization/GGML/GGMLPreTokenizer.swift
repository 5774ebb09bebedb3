/// How a GGUF file's `tokenizer.ggml.pre` cuts a text into words, by name, as llama.cpp does it.
///
/// The patterns are Oniguruma's spelling of what llama.cpp matches, which is not always what the model
/// was trained with: it knows letters, but hardly ever capitals from small ones, and its `\d` is ASCII.
/// Its categories are those of Unicode 15; characters assigned later may be cut otherwise here.
package struct GGMLPreTokenizer: Sendable {
  /// The name.
  package let name: String
  /// Each pattern cuts the pieces that the ones before have left.
  let patterns: [String]
  /// Whether a word that is itself a token is taken whole.
  let ignoresMerges: Bool
  /// Whether llama.cpp starts a text with the bos token unless the file says otherwise.
  let addsBOS: Bool

  /// The pre-tokenizer called `name`.
  package static func named(_ name: String) -> GGMLPreTokenizer? { table[name] }

  /// All names, sorted.
  package static let names = table.keys.sorted()

  /// Names that llama.cpp knows and this program does not: they are not byte-level.
  package static let unsupported = [
    "gemma4", "granite-embed-multi-311m", "sarvam-moe", "whitespace",
  ]

  private static let table: [String: GGMLPreTokenizer] = {
    var table: [String: GGMLPreTokenizer] = [:]
    for (names, patterns) in plain {
      for name in names.split(separator: " ").map(String.init) {
        table[name] = GGMLPreTokenizer(
          name: name,
          patterns: patterns,
          ignoresMerges: ignoringMerges.contains(name),
          addsBOS: addingBOS.contains(name)
        )
      }
    }
    return table
  }()

  private static let ignoringMerges: Set = [
    "falcon-h1", "falcon3", "glm4", "granite-embed-multi-97m", "jina-v5-nano", "lfm2", "llama-bpe",
    "llama-v3", "llama3", "midm-2.0", "minicpm5", "pixtral", "tekken", "youtu",
  ]
  private static let addingBOS: Set = [
    "chameleon", "falcon-h1", "falcon3", "jina-v5-nano", "lfm2", "llama-bpe", "llama-v3", "llama3",
    "midm-2.0", "pixtral", "tekken",
  ]

  // MARK: - Patterns

  private static let gpt2 =
    #"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#
  private static let contraction = "'(?:[sSdDmMtT]|[lL][lL]|[vV][eE]|[rR][eE])"
  private static let whitespace = #"\s*[\r\n]+|\s+(?!\S)|\s+"#
  private static let signs = #" ?[^\s\p{L}\p{N}]+[\r\n]*"#
  private static let word = #"[^\r\n\p{L}\p{N}]?\p{L}+"#
  private static let kana = "[一-龥\u{3040}-ゟ゠-ヿ]+"

  /// The pattern that most models since GPT-4 have, with their own idea of a number.
  private static func modern(number: String) -> String {
    "\(contraction)|\(word)|\(number)|\(signs)|\(whitespace)"
  }

  /// The pattern of GPT-4o: a word is capitals and then small letters; of letters that are not ASCII
  /// llama.cpp cannot say which they are, so that they are both.
  private static func cased(letters: String, number: String, contraction: String = "") -> String {
    let upper = #"[\#(letters)&&[^a-z]]"#
    let lower = #"[\#(letters)&&[^A-Z]]"#
    let before = #"[^\r\n\p{L}\p{N}]?"#
    return "\(before)\(upper)*\(lower)+\(contraction)|\(before)\(upper)+\(lower)*\(contraction)"
      + #"|\#(number)| ?[^\s\p{L}\p{N}]+[\r\n/]*|\#(whitespace)"#
  }

  /// As ``cased(letters:number:contraction:)`` where llama.cpp takes every letter for both.
  private static func uncased(number: String) -> String {
    #"[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+(?:\#(contraction))?"#
      + #"|\#(number)| ?[^\s\p{L}\p{N}]+[\r\n/]*|\#(whitespace)"#
  }

  private static let asciiSign = ##"[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+"##
  private static let marked = #"[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"#
  private static let deepSeek =
    #"\#(asciiSign)|\#(marked)| ?[\p{P}\p{S}]+[\r\n]*|\#(whitespace)"#

  private static let han =
    "[\u{4E00}-\u{9FFF}\u{3400}-\u{4DBF}\u{20000}-\u{2A6DF}\u{2A700}-\u{2B73F}"
    + "\u{2B740}-\u{2B81F}\u{2B820}-\u{2CEAF}\u{2CEB0}-\u{2EBEF}\u{F900}-\u{FAFF}\u{2F800}-\u{2FA1F}]"

  /// DeepSeek's range of CJK, which white space happens to lie in.
  private static let cjk = #"[一-龥ࠀ-一가-\#u{D7FF}&&\S]+"#

  /// llama.cpp's own grouping of digits from the right; the first group takes what is before it along.
  private static let groupedDigits = #"\P{N}*\p{N}{1,3}(?=(?:\p{N}{3})*(?!\p{N}))"#

  /// Letters with capitals, as DeepSeek-LLM's tokenizer lists them.
  private static let casedLetters =
    #"A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-ՖႠ-ჅᎠ-Ᏽᏸ-ᏽᲐ-ᲺᲽ-Ჿᴀ-ᴫᵫ-ᵷᵹ-ᶚḀ-ἕἘ-Ἕἠ-ὅὈ-Ὅὐ-ὗὙὛὝὟ-\#u{1F7D}"#
    + "ᾀ-ᾴᾶ-ᾼ\u{1FBE}ῂ-ῄῆ-ῌῐ-\u{1FD3}ῖ-\u{1FDB}ῠ-Ῥῲ-ῴῶ-ῼℂℇℊ-ℓℕℙ-ℝℤ\u{2126}ℨ\u{212A}-ℭℯ-ℴℹℼ-ℿⅅ-ⅉⅎↃↄ"
    + "Ⰰ-ⱻⱾ-ⳤⳫ-ⳮⳲⳳꙀ-ꙭꚀ-ꚛꜢ-ꝯꝱ-ꞇꞋ-ꞎꭰ-ꮿﬀ-ﬆﬓ-ﬗＡ-Ｚａ-ｚ𐐀-𐑏𐒰-𐓓𐓘-𐓻𐲀-𐲲𐳀-𐳲𑢠-𑣟𞤀-𞥃"

  /// Patterns by the names that have them.
  private static let plain: [(names: String, patterns: [String])] = [
    (
      "default",
      [#"[\p{P}\$\+<=>\^~\|]+"#, gpt2, #"\p{N}+"#, "[0-9][0-9][0-9]"]
    ),
    (
      "gpt-2 phi-2 jina-es jina-de gigachat jina-v2-es jina-v2-de a.x-4.0 mellum modern-bert jina-v1-en"
        + " jina-v2-code roberta-bpe exaone4 mpt olmo jais trillion granite-docling",
      [gpt2]
    ),
    (
      "starcoder refact command-r smollm codeshell exaone minerva-7b mellum2",
      [#"\p{N}"#, gpt2]
    ),
    (
      "llama3 llama-v3 llama-bpe falcon3 falcon-h1 pixtral midm-2.0 lfm2 jina-v5-nano dbrx smaug-bpe glm4"
        + " chatglm-bpe",
      [modern(number: #"\p{N}{1,3}"#)]
    ),
    (
      "qwen2 deepseek-r1-qwen kormo f2llmv2 megrez stablelm2 hunyuan solar-open grok-2",
      [modern(number: #"\p{N}"#)]
    ),
    (
      "qwen35",
      [
        #"\#(contraction)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\#(whitespace)"#
      ]
    ),
    (
      "jais-2",
      [
        #"\#(contraction)|\#(word)|\p{N}{1,3}|\#(signs)|\s*[\r\n]+|"#
          + [512, 256, 128, 64, 32, 16, 8, 4].map { #"\s{\#($0)}(?!\S)|"# }.joined()
          + #"\s{1,2}(?!\S)|\s{1}"#
      ]
    ),
    ("minicpm5", [#"\p{N}{1,3}"#, modern(number: #"\p{N}+"#)]),
    ("ufakzeka", [#"\#(word)|\p{N}|\#(signs)|\#(whitespace)"#]),
    ("laguna", [#"[^\n]+|[\n]+"#, modern(number: #"\p{N}"#)]),
    (
      "bailingmoe bailingmoe2 llada-moe",
      [#"\#(contraction)|\#(word)|\p{N}|\#(signs)|\s*[\r\n]|\s+(?!\S)|\s+"#]
    ),
    (
      "seed-coder",
      [#"\#(contraction)|\#(word)|\p{N}| ?[^\s\p{L}\p{N}\r\n]+|\#(whitespace)"#]
    ),
    (
      "exaone-moe",
      [
        #"\#(contraction)|[^\r\n\p{L}\p{N}]?(?:\p{L}\p{M}*(?: \p{L}\p{M}*)*)+|\p{N}"#
          + #"| ?[^\s\p{L}\p{N}]+[\r\n/]?|\s*[\r\n]|\s+(?!\S)|\s+"#
      ]
    ),
    ("tekken", [cased(letters: #"\p{L}"#, number: #"\p{N}"#)]),
    (
      "gpt-4o llama4 kanana2 talkie minimax-m2",
      [cased(letters: #"\p{L}"#, number: #"\p{N}{1,3}"#, contraction: "(?:\(contraction))?")]
    ),
    (
      "granite-embed-multi-97m",
      [
        cased(letters: #"\p{L}\p{M}"#, number: #"\p{N}{1,3}"#, contraction: "(?:\(contraction))?")
      ]
    ),
    (
      "tiny_aya cohere2moe",
      [groupedDigits, uncased(number: #"\p{N}{1,3}"#)]
    ),
    (
      "youtu",
      [
        "[가-힣ㄱ-ㆎ]+|[！…“”‘’—：；，、-\u{303F}︰-\u{FE4F}]+|[ㄅ-ㄯ]+|\(kana)",
        uncased(number: #"\p{N}"#),
      ]
    ),
    ("deepseek-v3 hunyuan-dense joyai-llm hy_v4", [#"\p{N}{1,3}"#, kana, deepSeek]),
    (
      "spark2_5",
      [
        #"\p{N}{1,3}"#, kana,
        #"\#(asciiSign)|\#(marked)| ?[\p{P}\p{S}]+|[\r\n]|\s+(?!\S)|\s+"#, #"\p{N}"#,
      ]
    ),
    (
      "deepseek-llm",
      [
        #"[\r\n]"#, #"\s?[\#(casedLetters)]+"#,
        "\\s?[!-/:-~！-／：-～‘-‟、-。]+", #"\s+\z"#, cjk, #"\p{N}+"#,
      ]
    ),
    (
      "deepseek-coder",
      [#"[\r\n]"#, #"\s?\p{L}+"#, #"\s?\p{P}+"#, cjk, #"\p{N}"#]
    ),
    ("falcon", [#"[\p{P}\$\+<=>\^~\|`]+"#, gpt2, "[0-9][0-9][0-9]"]),
    ("poro-chat bloom gpt3-finnish", [#" ?[^(\s|.,!?…。，、।۔،)]+"#]),
    ("viking", [#" ?[^(\s|.,!?…。，、।۔،)]+"#, #"\p{N}"#]),
    (
      "chameleon",
      [
        "<sentinel:[0-9]+>", "IMGIMG[A-I]{1,4}Z", #"[\t\n]|    |  "#, #"\p{N}"#,
        #"[\p{P}!-/:-@\[-`{-~]"#, gpt2,
      ]
    ),
    ("superbpe", [#"\p{N}+"#, "(?=(?:[0-9]{3})+(?![0-9]))"]),
    (
      "kimi-k2",
      [
        #"\#(han)+|[^\r\n\p{L}\p{N}]?[\p{L}&&[^\#(han)]]+(?:\#(contraction))?|\p{N}{1,3}|\#(signs)|\#(whitespace)"#
      ]
    ),
    (
      "afmoe",
      [
        groupedDigits,
        // llama.cpp begins the compatibility ideographs at U+8C48, what U+F900 is normalized to.
        "[一-\u{9FFF}㐀-\u{4DBF}\u{8C48}-\u{FAFF}\u{3040}-ゟ゠-ヿ･-ﾟ⼀-\u{2FDF}เ-\u{0E7F}"
          + "\u{0E80}-\u{0EFF}ក-\u{17FF}က-\u{109F}ꩠ-ꩿꧠ-\u{A9FF}가-\u{D7AF}ᄀ-ᇿ]+",
        deepSeek,
      ]
    ),
  ]
}
