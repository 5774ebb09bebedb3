"""tokenize_text.py TOKENIZER.JSON TEXT.JSONL: the tokenizers package, on one thread. Word: encode."""

import json
import os
import sys

os.environ["TOKENIZERS_PARALLELISM"] = "false"

from peer import serve, timed  # noqa: E402
from tokenizers import Tokenizer  # noqa: E402

tokenizer = Tokenizer.from_file(sys.argv[1])
with open(sys.argv[2], encoding="utf-8") as file:
    documents = [json.loads(line)["text"] for line in file if line.strip()]


def encode():
    return [tokenizer.encode(text, add_special_tokens=False) for text in documents]


def answer(word):
    seconds, encodings = timed(encode)
    return {"seconds": seconds, "tokens": sum(len(e.ids) for e in encodings)}


serve({"bytes": sum(len(text.encode()) for text in documents)}, answer)
