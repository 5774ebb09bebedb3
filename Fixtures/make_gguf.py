"""Makes Fixtures/gguf with the Python package gguf, and says what that package reads in a file.

    python make_gguf.py                    writes the files and expected.json
    python make_gguf.py describe FILE...   prints what is in them, as in expected.json

Of a file: version, alignment, keys [key, type, value], tensors [name, type, shape outermost first,
offset in the file, bytes, CRC-32 of the bytes]. Values are text: floats the hexadecimal bits, arrays
"count CRC-32" of their bytes in the file.
"""

import json
import sys
import zlib
from pathlib import Path

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType, GGUFReader, GGUFValueType, GGUFWriter

HERE = Path(__file__).resolve().parent
SHARED = HERE / ".." / ".." / "shared" / "oracles" / "gguf"


def value_text(field):
    kind = field.types[0]
    if kind == GGUFValueType.ARRAY:
        # Parts: length and bytes of the key, type, element type, count, then the elements.
        raw = b"".join(part.tobytes() for part in field.parts[5:])
        return f"{int(field.parts[4][0])} {zlib.crc32(raw):08x}"
    last = field.parts[-1]
    if kind == GGUFValueType.STRING:
        return bytes(last).decode("utf-8")
    if kind == GGUFValueType.BOOL:
        return "true" if last[0] else "false"
    if kind in (GGUFValueType.FLOAT32, GGUFValueType.FLOAT64):
        return last.tobytes()[::-1].hex()
    return str(int(last[0]))


def type_text(field):
    kind = field.types[0]
    if kind != GGUFValueType.ARRAY:
        return kind.name.lower()
    return f"array {GGUFValueType(int(field.parts[3][0])).name.lower()}"


def describe(path):
    reader = GGUFReader(path)
    keys = [
        [field.name, type_text(field), value_text(field)]
        for field in reader.fields.values()
        if not field.name.startswith("GGUF.")
    ]
    raw = np.memmap(path, mode="r")
    tensors = [
        [
            tensor.name,
            tensor.tensor_type.name,
            [int(size) for size in reversed(tensor.shape)],
            int(tensor.data_offset),
            int(tensor.n_bytes),
            f"{zlib.crc32(raw[tensor.data_offset:tensor.data_offset + tensor.n_bytes]):08x}",
        ]
        for tensor in reader.tensors
    ]
    version = int(reader.fields["GGUF.version"].parts[0][0])
    return {
        "version": version,
        "alignment": int(reader.alignment),
        "keys": keys,
        "tensors": tensors,
    }


def finish(writer):
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def make(folder):
    random = np.random.default_rng(5)

    writer = GGUFWriter(folder / "every-value.gguf", "test")
    for kind in GGUFValueType:
        if kind == GGUFValueType.ARRAY:
            continue
        name = kind.name.lower()
        ends = {
            "string": ["", "chat é \u001b[31m {{ x }}\n"],
            "bool": [False, True],
            "float32": [-0.0, 1e-5],
            "float64": [1e300, 0.1],
        }
        if name in ends:
            values = ends[name]
        else:
            low = np.iinfo(np.dtype(name)).min
            values = [int(low), int(np.iinfo(np.dtype(name)).max)]
        for number, value in enumerate(values):
            writer.add_key_value(f"one.{name}.{number}", value, kind)
        writer.add_key_value(f"many.{name}", values * 3, GGUFValueType.ARRAY, sub_type=kind)
    writer.add_array("tokenizer.ggml.tokens", [f"▁token{i}" for i in range(300)])
    finish(writer)

    writer = GGUFWriter(folder / "every-type.gguf", "test")
    writer.add_quantization_version(2)
    for kind in GGMLQuantizationType:
        # The package has 40 bytes for it, ggml 36; it is no type for files.
        if kind == GGMLQuantizationType.Q8_1:
            continue
        block, size = GGML_QUANT_SIZES[kind]
        data = random.integers(0, 256, (3, size), dtype=np.uint8)
        writer.add_tensor(f"blk.0.{kind.name.lower()}.weight", data, raw_dtype=kind)
    writer.add_tensor("stacked", random.random((4, 3, 2, 5)).astype(np.float32))
    finish(writer)

    writer = GGUFWriter(folder / "alignment-64.gguf", "test")
    writer.add_custom_alignment(64)
    for number, count in enumerate([3, 16, 1, 40]):
        writer.add_tensor(f"t{number}", random.random(count).astype(np.float32))
    finish(writer)

    writer = GGUFWriter(folder / "split.gguf", "test", split_max_tensors=2)
    writer.add_name("a split model")
    for number in range(5):
        writer.add_tensor(f"t{number}", random.random((2, number + 1)).astype(np.float16))
    finish(writer)


if __name__ == "__main__":
    if sys.argv[1:2] == ["describe"]:
        print(json.dumps([describe(path) for path in sys.argv[2:]], ensure_ascii=False))
    else:
        folder = HERE / "gguf"
        folder.mkdir(exist_ok=True)
        for old in folder.glob("*"):
            old.unlink()
        make(folder)
        paths = sorted(folder.glob("*.gguf")) + sorted(SHARED.glob("*.gguf"))
        rows = [f"{json.dumps(path.name)}: {json.dumps(describe(path), ensure_ascii=False)}" for path in paths]
        (folder / "expected.json").write_text("{\n" + ",\n".join(rows) + "\n}\n", encoding="utf-8")
