#!/usr/bin/env python3
"""Writes tokenizer-cases.json: what the `tokenizers` package makes of chosen texts.

Run: python make_tokenizer_cases.py > tokenizer-cases.json (needs `pip install tokenizers`, and
micro-qwen2moe's tokenizer.json as the first argument). Three kinds of cases: one normalizer, one
pre-tokenizer (its pieces), and whole tokenizers (ids and decoded text). A whole tokenizer is either
"base" micro-qwen2moe with some "changes" to its JSON, or a "tiny" metaspace one spelt out here.
"""
import copy
import json
import sys
import tokenizers
from tokenizers import Tokenizer

BASE = json.load(open(sys.argv[1]))
GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
LLAMA3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
O200K = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
CL100K = r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s"
HAN = r"[\p{Han}]+|[\p{Lu}\p{Lo}&&[^\p{Han}]]*[\p{Ll}\p{M}&&[^\p{Han}]]+|\s+"

TEXTS = [
    "", " ", "\n", "a", "  two  spaces  ", "tabs\tand\r\nline ends\n\n\n x", "don't I'LL we've 'ſ 'K'S",
    "naïve café ÅÄÖ ﬁ ½ ① ² x²", "日本語 中文。 한국어 ひらがなカタカナ", "Привет, мир! العربية עברית हिन्दी ไทย",
    "👩\u200d👩\u200d👧 🇩🇪 👍🏽 e\u0301", "q\u0307\u0323 q\u0323\u0307 \u1112\u1161\u11ab \u0344 \u212b", "x=1;y+=2**3//4 # 12345 67,890.12 ٣٤٥ Ⅷ",
    "\u200b\u00a0\ufeff\u3000\u2028\u0085", "null\x00byte", "▁meta▁space▁ Ġ", "a" * 70, " " * 70 + "x", "ab \n \n  c   ", "\U000e0001\U0010ffff\ufffd\u0378",
    "İstanbul STRASSE ßǅ", "http://a.b/c?d=e&f#g ___ $^`~ …—",
]
SPECIAL = ["<|endoftext|>", "a<|endoftext|> b", "x <L> y <R>  z", "<LR> <LR>", "<W> a<W> <W>", "norm ed", "norme\u0301d norm\u00e9d",
           "<|im_start|>user\nhi<|im_end|>", "<|im_start", "<s> </s> <unk>"]


def split(pattern, behavior="Isolated", invert=False, kind="Regex"):
    return {"type": "Split", "pattern": {kind: pattern}, "behavior": behavior, "invert": invert}


def metaspace(scheme, split):
    return {"type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme, "split": split}


def sequence(key, *steps):
    return {"type": "Sequence", key: list(steps)}


BYTE_LEVEL = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
NORMALIZERS = [{"type": form} for form in ("NFC", "NFD", "NFKC", "NFKD", "Lowercase")] + [
    {"type": "Strip", "strip_left": True, "strip_right": False},
    sequence("normalizers", {"type": "Prepend", "prepend": "▁"}, {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}),
    {"type": "Replace", "pattern": {"Regex": r"\s{2,}"}, "content": "<>"},
]
PRE_TOKENIZERS = [split(r) for r in (GPT2, LLAMA3, O200K, CL100K, HAN)]
PRE_TOKENIZERS += [split(r"\s|[a-c]+|\d?", b, i) for b in ("Isolated", "Removed", "MergedWithPrevious", "MergedWithNext", "Contiguous") for i in (False, True)]
PRE_TOKENIZERS += [split("a", "MergedWithNext", kind="String"), {**BYTE_LEVEL, "use_regex": True, "add_prefix_space": True}]
PRE_TOKENIZERS += [metaspace(s, p) for s in ("first", "always", "never") for p in (True, False)]
PRE_TOKENIZERS += [{"type": "Whitespace"}, {"type": "WhitespaceSplit"}, {"type": "Digits", "individual_digits": True}, {"type": "Digits", "individual_digits": False},
                   {"type": "Punctuation", "behavior": "Isolated"}]
PRE_TOKENIZERS += [sequence("pretokenizers", split(r"\p{N}{1,3}"), split("[一-龥぀-ゟ゠-ヿ]+"), split(r"[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"))]
PRE_TOKENIZERS += [sequence("pretokenizers", split("[\r\n]"), split(r"\s?[A-Za-zµÀ-ÖØ-öø-ƺ]+"), split(r"\s?[!-/:-~！-／：-～‘-‟]+"), split(r"\s+$"), {"type": "Digits", "individual_digits": True})]
PRE_TOKENIZERS += [split(r) for r in (r"\bw\w*|\Bx|^a+|b+$|\Aq|y\Z", r"a{2,4}?|b{2}?|c{,2}d|f{2}+|g{x", r"(?<=a)b+|(?<!\s)\d+|(?>\p{L}+)\s", r"(?i)don't|[sk]+|[a-f]{2}", r"\w+|\W", r"[\w]+|[^\w]", r"(?=(\d{3})+(?!\d))|\d+")]


def with_added(t, tokens):
    vocab = t["model"]["vocab"]
    new = max(list(vocab.values()) + [x["id"] for x in t["added_tokens"]]) + 1
    for token in tokens:
        known = vocab.get(token["content"])
        t["added_tokens"].append({"id": new if known is None else known, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True, **token})
        new += known is None
    return t


ADDED = [{"content": "<L>", "lstrip": True}, {"content": "<R>", "rstrip": True}, {"content": "<LR>", "lstrip": True, "rstrip": True}, {"content": "<W>", "single_word": True},
         {"content": "norm ed", "normalized": True, "special": False}, {"content": "norméd", "normalized": True, "special": False}, {"content": "  ", "normalized": True, "special": False},
         {"content": "<|im_start|>"}, {"content": "<|im_end|>"}, {"content": "<|im"}]


def tiny(byte_fallback=True, fuse=True, **parts):
    """A metaspace tokenizer in Llama-2's manner: three special tokens, bytes, letters, some merges."""
    words = ["<unk>", "<s>", "</s>"] + ["<0x%02X>" % b for b in range(256)] + list("▁abcdefghijklmnopqrstuvwxyzé.,")
    merges = [a.split() for a in "▁ t|h e|▁t he|▁ ▁|▁▁ ▁▁|i n|▁ a|o n|r e|n d|▁a nd|a a|aa aa|e ▁|s .|in g|▁ s|▁s p|a c|▁sp ac".split("|")]
    for a, b in merges:
        if a + b not in words:
            words.append(a + b)
    special = [{"id": i, "content": c, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True} for i, c in enumerate(words[:3])]
    return {"version": "1.0", "truncation": None, "padding": None, "added_tokens": special,
            "normalizer": NORMALIZERS[6], "pre_tokenizer": None, "post_processor": None,
            "decoder": sequence("decoders", {"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}),
            "model": {"type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": None, "end_of_word_suffix": None, "fuse_unk": fuse, "byte_fallback": byte_fallback,
                      "ignore_merges": False, "vocab": {w: i for i, w in enumerate(words)}, "merges": [" ".join(m) for m in merges]}, **parts}


TOKENIZERS = []


def base(name, model=None, **changes):
    t = copy.deepcopy(BASE)
    t["added_tokens"] = changes.pop("added_tokens", t["added_tokens"])
    t.update(changes)
    t["model"].update(model or {})
    TOKENIZERS.append((name, t, {"base": "micro-qwen2moe", "changes": {**changes, "added_tokens": t["added_tokens"]}, "model": model or {}}))


added = with_added(copy.deepcopy(BASE), ADDED)["added_tokens"]
base("Qwen2 as it is")
base("added tokens of every kind, NFC", added_tokens=added)
base("added tokens, NFD, Llama 3's pattern", added_tokens=added, normalizer={"type": "NFD"}, pre_tokenizer=sequence("pretokenizers", split(LLAMA3), BYTE_LEVEL))
base("words that are tokens taken whole", model={"ignore_merges": True}, pre_tokenizer={**BYTE_LEVEL, "use_regex": True, "add_prefix_space": True})
base("bytes as a normalizer", normalizer={"type": "ByteLevel"}, pre_tokenizer=split("Ġ", "MergedWithNext", kind="String"))
base("Falcon's order", pre_tokenizer=sequence("pretokenizers", {"type": "Punctuation", "behavior": "Contiguous"}, {**BYTE_LEVEL, "use_regex": True}, {"type": "Digits", "individual_digits": False}, split("[0-9][0-9][0-9]")))
for name, t in (("Llama 2's manner", tiny()), ("no byte fallback, unknown fused", tiny(False)), ("no byte fallback, unknown not fused", tiny(False, False)),
                ("Llama 2's manner, added tokens", with_added(tiny(), ADDED)), ("no decoder", tiny(decoder=None))):
    TOKENIZERS.append((name, t, {"tokenizer": t}))
for s in ("first", "always", "never"):
    t = with_added(tiny(normalizer=None, pre_tokenizer=metaspace(s, True), decoder=metaspace(s, True)), ADDED)
    TOKENIZERS.append(("metaspace " + s, t, {"tokenizer": t}))


def part_cases(key, parts, run):
    out = []
    for part in parts:
        t = Tokenizer.from_str(json.dumps({**tiny(), "normalizer": None, "pre_tokenizer": None, key: part}))
        out.append({key: part, "results": [run(t, text) for text in TEXTS]})
    return out


result = {
    "description": "What the `tokenizers` package makes of chosen texts: by one normalizer, by one pre-tokenizer, by whole tokenizers. Results follow `texts` in order; whole tokenizers are given `special_texts` as well. Made by make_tokenizer_cases.py.",
    "tokenizers": tokenizers.__version__,
    "texts": TEXTS, "special_texts": SPECIAL,
    "normalizers": part_cases("normalizer", NORMALIZERS, lambda t, s: t.normalizer.normalize_str(s)),
    "pre_tokenizers": part_cases("pre_tokenizer", PRE_TOKENIZERS, lambda t, s: [piece for piece, _ in t.pre_tokenizer.pre_tokenize_str(s)]),
    "whole": [],
}
for name, t, source in TOKENIZERS:
    hf = Tokenizer.from_str(json.dumps(t))
    cases = []
    for text in TEXTS + SPECIAL:
        ids = hf.encode(text, add_special_tokens=False).ids
        cases.append({"ids": ids, "decoded": hf.decode(ids, skip_special_tokens=False), "without_special": hf.decode(ids, skip_special_tokens=True)})
    result["whole"].append({"name": name, **source, "results": cases})
lines = json.dumps(result, ensure_ascii=True, separators=(",", ":"))
for mark in ('{"normalizer":', '{"pre_tokenizer":', '{"name":'):
    lines = lines.replace(mark, "\n" + mark)
print(lines)
