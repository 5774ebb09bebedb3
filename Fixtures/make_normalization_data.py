#!/usr/bin/env python3
"""Writes Sources/Tokenization/Normalization/NormalizationData.swift.

The data are asked of the `tokenizers` package itself, code point by code point, because checkpoints
were trained through it: it follows an older Unicode than Python's or Swift's own library, so that
characters added since stay as they are. Run: python make_normalization_data.py > NormalizationData.swift
"""
import unicodedata
import tokenizers
from tokenizers import normalizers

NFD, NFC, NFKD = (getattr(normalizers, name)().normalize_str for name in ("NFD", "NFC", "NFKD"))
HANGUL = range(0xAC00, 0xD7A4)
scalars = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000 and c not in HANGUL]


def hexes(text):
    return " ".join("%X" % ord(c) for c in text)


canonical, compatible = [], []
for c in scalars:
    text = chr(c)
    full, wide = NFD(text), NFKD(text)
    if full != text:
        mark = "" if NFC(text) == text else "!"
        canonical.append("%s%X %s" % (mark, c, hexes(full)))
    if wide != full:
        compatible.append("%X %s" % (c, hexes(wide)))

classes = []
for c in scalars:
    value = unicodedata.combining(chr(c))
    if value == 0:
        continue
    # Reordering shows whether `tokenizers` knows the class: against one lower and one higher.
    sample = "a" + chr(c) + "\u0334" if value > 1 else "a\u0345" + chr(c)
    if NFD(sample) != unicodedata.normalize("NFD", sample):
        continue
    if classes and classes[-1][2] == value and classes[-1][1] + 1 == c:
        classes[-1][1] = c
    else:
        classes.append([c, c, value])


def literal(entries):
    text, lines, line = ",".join(entries), [], ""
    for part in text.split(","):
        piece = part + ","
        if len(line) + len(piece) > 94:
            lines.append(line)
            line = ""
        line += piece
    lines.append(line.rstrip(","))
    return '"""\n' + "\\\n".join("    " + line for line in lines) + '\n    """'


print(f"""// Made by Fixtures/make_normalization_data.py from tokenizers {tokenizers.__version__}; do not edit.

/// What Unicode normalization needs to know, as text; all numbers are hexadecimal.
enum NormalizationData {{
  /// "code point, full canonical decomposition"; "!" marks those that composition never makes.
  static let canonical: StaticString = {literal(canonical)}

  /// "code point, full compatibility decomposition", where it is not the canonical one.
  static let compatible: StaticString = {literal(compatible)}

  /// "first, last, canonical combining class".
  static let combiningClasses: StaticString = {literal(["%X %X %X" % tuple(c) for c in classes])}
}}""")
