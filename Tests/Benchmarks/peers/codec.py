"""codec.py FILE OFFSET BYTES: zipnn on BF16 bytes, on one thread. Words: encode, decode."""

import sys

import zipnn
from peer import serve, timed

path, offset, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
with open(path, "rb") as file:
    file.seek(offset)
    plain = file.read(count)
coder = zipnn.ZipNN(input_format="byte", bytearray_dtype="bfloat16", threads=1)
stored = None


def answer(word):
    global stored
    if word == "encode":
        # It works in place, so it gets a copy.
        copy = bytearray(plain)
        seconds, stored = timed(lambda: coder.compress(copy))
        return {"seconds": seconds, "bytes": len(stored)}
    seconds, decoded = timed(lambda: coder.decompress(stored))
    if bytes(decoded) != plain:
        sys.exit("zipnn: decoded bytes are not the plain ones")
    return {"seconds": seconds}


serve({}, answer)
