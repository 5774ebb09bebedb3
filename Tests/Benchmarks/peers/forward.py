"""forward.py MODEL IDS TOKENS CONTEXT: transformers in float32. Words: batch N, windows N (threads).

What is timed makes the negative log-likelihood of every next token, as `moepack evaluate` does;
reading the weights is not timed.
"""

import json
import sys

import torch
from peer import serve, timed
from transformers import AutoModelForCausalLM

path, ids, tokens, context = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
with open(ids) as file:
    windows = torch.tensor(json.load(file)[:tokens]).view(-1, context)
model = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32).eval()


def loss(part):
    """Sum over all next tokens of the windows in `part`."""
    logits = model(part, use_cache=False).logits[:, :-1]
    flat = logits.reshape(-1, logits.shape[-1])
    return torch.nn.functional.cross_entropy(flat, part[:, 1:].reshape(-1), reduction="sum")


def answer(words):
    word, threads = words.split()
    torch.set_num_threads(int(threads))
    parts = [windows] if word == "batch" else windows.split(1)
    with torch.inference_mode():
        seconds, total = timed(lambda: sum(loss(part).double() for part in parts))
    scored = windows.numel() - len(windows)
    return {"seconds": seconds, "perplexity": (total / scored).exp().item()}


serve({}, answer)
