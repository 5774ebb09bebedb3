#!/usr/bin/env python3
"""Writes ggml-tokenizer-cases.json: what stock llama.cpp makes of chosen texts.

Run: python make_ggml_tokenizer_cases.py > ggml-tokenizer-cases.json (needs `pip install gguf numpy cffi
xllamacpp==2026.10.11549`, and llama_reference.py of ../../shared/tools, which knows the wheel's structs).

"gpt2" is a vocabulary in which any two common characters are a token, so that every cut between words
shows in the ids; it is tokenized under every name of a pre-tokenizer, and names with the same ids stand
together. "llama" are SentencePiece vocabularies. "user" is the first with tokens of the user's own.
"""
import json
import os
import re
import sys
import tempfile
from pathlib import Path

import numpy as np
from gguf import GGUFWriter

HERE = Path(__file__).resolve().parent
NAMES = re.findall(r"[\w.-]+", """default gpt-2 phi-2 jina-es jina-de gigachat jina-v2-es jina-v2-de a.x-4.0 mellum
modern-bert jina-v1-en jina-v2-code roberta-bpe exaone4 mpt olmo jais trillion granite-docling starcoder refact command-r
smollm codeshell exaone minerva-7b mellum2 llama3 llama-v3 llama-bpe falcon3 falcon-h1 pixtral midm-2.0 lfm2 jina-v5-nano
dbrx smaug-bpe glm4 chatglm-bpe qwen2 deepseek-r1-qwen kormo f2llmv2 megrez stablelm2 hunyuan solar-open grok-2 qwen35
jais-2 minicpm5 ufakzeka laguna bailingmoe bailingmoe2 llada-moe seed-coder exaone-moe tekken gpt-4o llama4 kanana2 talkie
minimax-m2 granite-embed-multi-97m tiny_aya cohere2moe youtu deepseek-v3 hunyuan-dense joyai-llm hy_v4 spark2_5
deepseek-llm deepseek-coder falcon poro-chat bloom gpt3-finnish viking chameleon superbpe kimi-k2 afmoe""")

TEXTS = [
    "", " ", "\n", "a", "  two  spaces  ", "tabs\tand\r\nline ends\n\n\n x", "don't I'LL we've 'ſ 'K'S O'Re",
    "naïve ÅÄÖ ﬁ ½ ① x²", "日本語 中文。 한국어 カタカナ３", "Привет, мир! ПРИвет हिन्दी", "👍🏽 e\u0301 q\u0307\u0323",
    "x=1;y+=2**3//4 # 12345 67,890.12 ٣٤٥ Ⅷ", "\u00a0\u3000\u2028\u0085.", "▁meta▁ Ġ", " " * 37 + "x", "ab \n \n  c   ",
    "camelCase HTTPServer aB", "1 12 123 1234 1234567 12345678901", "  7.2l  12 a٣ 日1本", "<|endoftext|> <s>", "''``!!??$$++<<",
    "a.b/c\r\n/ ,\n!\n\nz", "IMGIMGABCZ <sentinel:12>", "…。，、।", "\U0001d400\ue000\u200d",
]
SPM_TEXTS = TEXTS + ["the them then", "a the  the\nthe", "<tool>the", "the <tool> the", "x<tool><tool> y", "ab cab  ", "<tool>x</tool>abc", "�", "</s><unk>the"]
USER_TEXTS = ["x<tool>y", "<tool><tool>", "abc", "a b c", "  ab  c", "<|im_end|>a<|channel|>b", "<|end|>", "bcd abcd", "<tool <tool>>"]


def byte_characters():
    printable = list(range(0x21, 0x7F)) + list(range(0xA1, 0xAD)) + list(range(0xAE, 0x100))
    others = [b for b in range(256) if b not in printable]
    return [chr(b) for b in printable] + [chr(0x100 + i) for i in range(len(others))]


def pairs():
    tokens, merges = ["<|endoftext|>"] + byte_characters(), []

    def add(a, b):
        merges.append(f"{a} {b}")
        if a + b not in tokens:
            tokens.append(a + b)
    for a in "123":
        for b in "0123456789":
            add(a, b)
    for a in "123":
        for b in "0123456789":
            for c in "0123456789":
                add(a + b, c)
    for w in "ĠĊ":
        for n in (1, 2, 4):
            add(w * n, w * n)
    common = "ĠĊĉč'aBsSl.,!$<|`/²ÃÐãæĢģ¡©"
    for a in common:
        for b in common:
            if not (a == b and a in "ĠĊ"):
                add(a, b)
    add("a", "b"), add("t", "wo")
    tokens.append("camelCase")  # taken whole where merges are ignored
    tokens.append("wo")
    return tokens, [3] + [1] * (len(tokens) - 1), merges


def with_user_tokens(tokens, types, merges):
    more = [("<tool>", 4), ("ab", None), ("abc", 4), ("bcd", 4), ("a b", 4), ("<|im_end|>", 4), ("<|channel|>", 3), ("<|end|>", 4), ("<|return|>", 3), ("<|call|>", 3)]
    tokens, types = list(tokens), list(types)
    for text, kind in more:
        if kind:
            tokens.append(text), types.append(kind)
    return tokens, types, merges


def sentence_pieces():
    tokens = ["<unk>", "<s>", "</s>"] + [f"<0x{b:02X}>" for b in range(256)]
    types = [2, 3, 3] + [6] * 256
    pieces = ["▁t", "he", "▁the", "▁▁", "th", "em", "▁a", "ab", "the", "▁▁▁▁", "en", "bc", "▁them", "ca", "abc", "12", "23"] + list("▁thembncax123.,日本é")
    scores = [0.0] * len(tokens) + [-float(i // 2) for i in range(len(pieces))]
    tokens += pieces + ["<tool>", "b c"]
    types += [1] * len(pieces) + [4, 4]
    return tokens, types, scores + [-1000.0, -1000.0]


def write(path, model, tokens, types, pre=None, merges=None, scores=None, prefix=None):
    w = GGUFWriter(path, "llama")
    w.add_tokenizer_model(model)
    if pre:
        w.add_tokenizer_pre(pre)
    w.add_token_list(tokens), w.add_token_types(types)
    if scores:
        w.add_token_scores(scores)
    if merges:
        w.add_token_merges(merges)
    w.add_bos_token_id(0), w.add_eos_token_id(0)
    if prefix is not None:
        w.add_add_space_prefix(prefix)
    for key, value in (("context_length", 8), ("embedding_length", 32), ("block_count", 1), ("feed_forward_length", 32)):
        w.add_uint32(f"llama.{key}", value)
    w.add_head_count(1), w.add_layer_norm_rms_eps(1e-5)
    w.add_tensor("token_embd.weight", np.zeros((1, 32), np.float32))
    w.write_header_to_file(), w.write_kv_data_to_file(), w.write_tensors_to_file(), w.close()


def reference():
    source = (HERE / "../../shared/tools/llama_reference.py").read_text().split("# The wheel's own clean-up")[0]
    scope = {"__name__": "reference"}
    exec(compile(source, "llama_reference.py", "exec"), scope)
    return scope["binding"]()


FFI, LIB = reference()


@FFI.callback("void(int, const char *, void *)")
def silent(*_):
    pass


def ids(texts, *arguments, **options):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "m.gguf")
        write(path, *arguments, **options)
        parameters = LIB.llama_model_default_params()
        parameters.vocab_only = True
        vocabulary = LIB.llama_model_get_vocab(LIB.llama_model_load_from_file(path.encode(), parameters))
        out = []
        for text in texts:
            data = text.encode()
            buffer = FFI.new("int32_t[]", len(data) + 16)
            count = LIB.llama_tokenize(vocabulary, data, len(data), buffer, len(data) + 16, False, False)
            out.append(list(buffer[0:count]))
        return out


def main():
    LIB.llama_log_set(FFI.cast("void *", silent), FFI.NULL)
    tokens, types, merges = pairs()
    groups = {}
    for name in NAMES:
        result = ids(TEXTS, "gpt2", tokens, types, pre=name, merges=merges)
        groups.setdefault(json.dumps(result), []).append(name)
    user_tokens, user_types, _ = with_user_tokens(tokens, types, merges)
    pieces, piece_types, scores = sentence_pieces()
    llama = []
    for prefix in (None, False):
        for which in (scores, [-1000.0] * len(scores)):
            llama.append({"prefix": prefix, "scores": which, "ids": ids(SPM_TEXTS, "llama", pieces, piece_types, scores=which, prefix=prefix)})
    print(json.dumps({
        "texts": TEXTS, "gpt2": {"tokens": tokens, "types": types, "merges": merges},
        "pre": [{"names": names, "ids": json.loads(result)} for result, names in groups.items()],
        "user": {"tokens": user_tokens, "types": user_types, "texts": USER_TEXTS, "ids": ids(USER_TEXTS, "gpt2", user_tokens, user_types, pre="qwen2", merges=merges)},
        "llama": {"tokens": pieces, "types": piece_types, "texts": SPM_TEXTS, "cases": llama},
    }, ensure_ascii=False, separators=(",", ":")))
    sys.stdout.flush()
    os._exit(0)  # the wheel's own clean-up crashes outside of a module


main()
