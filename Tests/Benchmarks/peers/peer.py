"""The loop of a peer: one line of JSON when ready, then one for each word that comes in."""

import json
import sys
import time


def serve(facts, answer):
    """Answers words from standard input; `answer(word)` gives a dictionary."""
    print(json.dumps(facts), flush=True)
    for line in sys.stdin:
        print(json.dumps(answer(line.strip())), flush=True)


def timed(work):
    """Seconds that `work` takes, and what it returns."""
    start = time.perf_counter()
    value = work()
    return time.perf_counter() - start, value
