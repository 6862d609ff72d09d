"""The text in a file's bytes: UTF-8, UTF-16, and two older encodings where nothing speaks against them."""

from __future__ import annotations

import re

from lstm_core.files import texts
from lstm_core.say import Said, say

BYTES = 64 << 20
"""A vocabulary's file, vectors beside the words included."""

STRANGERS = (
    (rb"PK\x03\x04", say("this is a zip archive (a model, perhaps)")),
    (rb"\x1f\x8b|BZh|\xfd7zXZ", say("this is a compressed file: unpack it first")),
    (
        rb"\x80[\x02-\x05]",
        say("this is a pickle, which is not read because it could run code: save the list of its entries as JSON"),
    ),
    (rb"\x93NUMPY|\x89HDF", say("this is a file of arrays")),
    (rb"version https://git-lfs", say("this is a Git LFS pointer: fetch the file itself with git lfs pull")),
    (rb"\s*<(!doctype|html)\b", say("this is a web page: download the file itself")),
)
"""What a file begins with that is not a vocabulary."""


def decoded(data: bytes) -> tuple[str, tuple[Said, ...]]:
    """The text, and what is assumed of its encoding. Raises ValueError for what is not text, or of another encoding."""
    if len(data) > BYTES:
        raise ValueError(say("the file has {size:,} bytes; a vocabulary may have {most:,}", size=len(data), most=BYTES))
    for start, what in STRANGERS:
        if re.match(start, data, re.IGNORECASE):
            raise ValueError(say("{what}; a vocabulary is a text file: txt, JSON or a tokenizer.json", what=what))
    wide = texts.utf_16(data)
    for encoding, likely in ((wide, None),) if wide else (("utf-8-sig", None), *GUESSES.items()):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text[:1000] and (likely is None or likely(text, data)):
            guess = say("the vocabulary's file is in {encoding}, for it is not in UTF-8", encoding=encoding)
            return text, (guess,) if encoding not in ("utf-8-sig", "utf-16") else ()
    raise ValueError(
        say("the file is not text in UTF-8: a vocabulary is txt, JSON or a tokenizer.json; save it as UTF-8")
    )


def _chinese(text: str, data: bytes) -> bool:
    """Nearly all are characters of everyday Chinese (GB 2312). The same bytes may be Japanese, which has kana, or
    Korean, where all are then syllables."""
    others = re.sub(r"[\x00-\x7f]", "", text)
    everyday = others.encode("gb2312", "ignore").decode("gb2312")
    if len(everyday) < 0.95 * len(others) or re.search("[\u3040-\u30ff\u0400-\u04ff\u0370-\u03ff]", others):
        return False
    korean = re.sub(r"[\x00-\x7f]", "", data.decode("euc_kr", "replace"))
    return not re.fullmatch("[\uac00-\ud7a3]*", korean)


def _western(text: str, data: bytes) -> bool:
    """Letters with accents, here and there among letters without, and the quotes and dashes of that encoding."""
    if re.search("[^\x00-\x7fÀ-ÖØ-öø-ÿŒœŠšŽžŸ‘’“”–—…•€£§°«»¡¿·ªº©®™]|[À-ÖØ-öø-ÿŒœŠšŽž]{3}", text):
        return False
    accented = len(re.findall("[À-ÖØ-öø-ÿŒœŠšŽžŸ]", text))
    return accented <= 0.4 * len(re.findall("[A-Za-zÀ-ÖØ-öø-ÿŒœŠšŽžŸ]", text))


GUESSES = {"gb18030": _chinese, "cp1252": _western}
"""Encodings that are taken if what they give looks like what they are for."""
