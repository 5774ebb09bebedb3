"""blocks.py MATRIX ROWS COLUMNS: ggml's own encoders and decoders, on one thread.

MATRIX holds the weights as float32, row by row, and after them an importance of each column. Words:
encode TYPE, encode-weighted TYPE, decode TYPE; what is decoded is what was encoded last.
"""

import ctypes
import importlib.util
import os
import sys

import numpy as np
from peer import serve, timed

# ggml.h, enum ggml_type
TYPES = {
    "Q4_0": 2, "Q4_1": 3, "Q5_0": 6, "Q5_1": 7, "Q8_0": 8, "Q2_K": 10, "Q3_K": 11, "Q4_K": 12,
    "Q5_K": 13, "Q6_K": 14, "IQ4_NL": 20, "IQ4_XS": 23, "TQ1_0": 34, "TQ2_0": 35, "MXFP4": 39,
}  # fmt: skip

spec = importlib.util.find_spec("xllamacpp")
if spec is None:
    raise ModuleNotFoundError("xllamacpp")
# Its library holds all of llama.cpp; only ggml's coders are wanted, so the module is not imported.
library = ctypes.CDLL(os.path.join(os.path.dirname(spec.origin), "xllamacpp.abi3.so"))
row_size = library.ggml_row_size
row_size.argtypes = [ctypes.c_int, ctypes.c_int64]
row_size.restype = ctypes.c_size_t
quantize = library.ggml_quantize_chunk
quantize.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, *[ctypes.c_int64] * 3]
quantize.argtypes += [ctypes.c_void_p]
quantize.restype = ctypes.c_size_t

path, rows, columns = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
numbers = np.fromfile(path, np.float32)
weights, importance = numbers[: rows * columns], numbers[rows * columns :]
assert importance.size == columns
decoded = np.empty_like(weights)
stored = {}


def encode(name, importance):
    target = stored.setdefault(name, np.zeros(rows * row_size(TYPES[name], columns), np.uint8))
    factors = None if importance is None else importance.ctypes.data
    place = (weights.ctypes.data, target.ctypes.data, 0, rows, columns, factors)
    seconds, size = timed(lambda: quantize(TYPES[name], *place))
    assert size == target.size
    decode(name)
    squares = np.subtract(decoded, weights, dtype=np.float64).reshape(rows, columns) ** 2
    error = squares.sum() if importance is None else (squares * importance).sum()
    return {"seconds": seconds, "error": float(error)}


def decode(name):
    function = library["dequantize_row_" + name.lower().replace("_k", "_K")]
    function.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64]
    function.restype = None
    place = (stored[name].ctypes.data, decoded.ctypes.data, decoded.size)
    return {"seconds": timed(lambda: function(*place))[0]}


def answer(words):
    word, name = words.split()
    if word == "decode":
        return decode(name)
    return encode(name, importance if word == "encode-weighted" else None)


serve({}, answer)
# The library's own clean-up expects that the module was imported, and crashes.
sys.stdout.flush()
os._exit(0)
