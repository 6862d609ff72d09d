"""Text files, which are never a model: what each is, and what to do instead."""

from __future__ import annotations

import codecs
import json
import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from lstm_core.say import Said, say

FORMATS = say("PyTorch (.pt, .pth, .bin, .ckpt), safetensors, ONNX, Keras (.keras, .h5), NumPy (.npz)")
READ = say("What is read: {formats}", formats=FORMATS)
HEAD = 4096
"""Bytes that are looked at."""
MAX_JSON = 1 << 20
"""Bytes of JSON that are parsed to say what it is."""
MOST_KEYS = 4
"""Of the object by which a server says that it does not give a file: "message", "status", ..."""

PAGE = say(
    "this is a web page, not the file that it shows; use the page's link to download the file (at Hugging Face and "
    "GitHub its address has /resolve/ or /raw/ in the place of /blob/)"
)
POINTER = say(
    "this is a pointer of Git LFS, not the file itself; fetch it with: git lfs pull, or download the file from its page"
)
VOCABULARY = say("this is a vocabulary or a tokenizer, not a network; give the network first, and this to go with it")

CONFIG = say("the configuration of a model")
SPECIAL = say("the list of a tokenizer's special tokens")
GENERATION = say("a configuration for generating text")
TOKENIZER = say("the configuration of a tokenizer")
TOKEN = r"(bos|eos|pad|unk|sep|cls|mask|decoder_start|forced_[a-z]+)_token"
SETTING = (
    rf"{TOKEN}_id|[a-z_]+_(size|dim|width|length|len|layers|heads|units|steps|epochs)|(n|num|max|min)_[a-z_]+|seed|epochs?"
    r"|layers|hidden|width|depth"
)

BESIDE: tuple[tuple[str, Said], ...] = (
    ("peft_type", say("the configuration of an adapter (LoRA)")),
    ("model_type|architectures", CONFIG),
    ("tokenizer_class|added_tokens_decoder|model_max_length", TOKENIZER),
    ("weight_map", say("the index of a checkpoint")),
    ("log_history", say("the record of a training")),
    ("dependencies|devDependencies|scripts", say("the description of a program")),
    ("transformers_version|_from_model_config", GENERATION),
)
"""JSON objects that lie beside a model, by a name that each has. Where all values are whole numbers, the names are
words: a vocabulary may have "scripts" among them."""
WHOLLY: tuple[tuple[str, Said], ...] = (
    (rf"{TOKEN}|additional_special_tokens", SPECIAL),
    (rf"{TOKEN}_id", GENERATION),
)
"""The same, by what all of an object's names are."""
NO_ROWS: tuple[tuple[str, Said], ...] = (
    (r"<[^<>]+>|\[[A-Z]+\]", SPECIAL),
    ("model_max_length", TOKENIZER),
    (SETTING, CONFIG),
)
"""And where they have no numbers from 0 on: these are a vocabulary's rows, whatever its words are."""

MARKS: tuple[tuple[str, Said], ...] = (
    (r"version https://git-lfs", POINTER),
    (r"\s*<(!doctype html|html|head)", PAGE),
    (r"\s*<.*<PMML", say("this is a PMML file, which holds no recurrent networks. {read}", read=READ)),
    (
        r"\s*<.*<net\b",
        say("this is the graph of an OpenVINO model; give the model that it was made from (ONNX, PyTorch)"),
    ),
    (
        r"\s*(<\?xml[^>]*>\s*)?<Error>",
        say("this is a server's answer, not a file; download the file again, or ask its owner for access"),
    ),
    (r"\s*<(\?xml|svg)", say("this is an XML file, not a model. {read}", read=READ)),
    (
        r"model_checkpoint_path:",
        say('this is a TensorFlow checkpoint\'s list of files; save the Keras model: model.save("model.keras")'),
    ),
    (
        r"(.*\n)?\s*(import [\w.]+( as \w+)?[\r\n]|from \S+ import |class \w+.*:|def \w+\(|#!)",
        say("this is a program, which is not run; save the weights of its model: torch.save(model.state_dict(), path)"),
    ),
)
"""Regular expressions for the beginning of a text, case ignored, dots for everything."""
ANSWER = re.compile(
    r"(?i)\W*(4\d\d\b|entry not found|not found|access |invalid |unauthorized|forbidden|repository |error)"
)


def sentence(data: bytes) -> Said | None:
    """What a file of text is; None if it is not text."""
    head = _text(data[:HEAD])
    if head is None:
        return None
    for pattern, said in MARKS:
        if re.match(pattern, head, re.IGNORECASE | re.DOTALL):
            return said
    if looks_like_json(head):
        return _json(data)
    if len(data) < 400 and ANSWER.match(head):
        return _answer(head.strip())
    lines = head.splitlines()[:-1] or head.splitlines()
    for mark in ",;\t":
        counts = {line.count(mark) for line in lines[:20]}
        if len(counts) == 1 and counts != {0} and re.search(r"\d", head):  # sentences have commas as well
            return say("this is a table (CSV), not a network; give the network first, and this as what it reads")
    return say("this is a text file, and none of: {formats}", formats=FORMATS)


def utf_16(data: bytes) -> str:
    """Which UTF-16 a text is in, by its mark or by the zeros in every other byte; empty if it is in none."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    head = data[: min(len(data), HEAD) // 2 * 2]
    little, big = head[1::2].count(0), head[::2].count(0)
    encoding = "utf-16-le" if little > big else "utf-16-be"
    if little == big or len(data) % 2:
        return ""
    try:  # a character of two units may be cut where the head ends
        text = codecs.getincrementaldecoder(encoding)().decode(head)
    except UnicodeDecodeError:
        return ""
    if any(unicodedata.category(char) in ("Cc", "Cn", "Co") and char not in "\t\r\n" for char in text):
        return ""
    # Words with a zero behind each, or numbers, would give characters, too, but hardly a line, and letters for scripts.
    script = head[1::2] if encoding == "utf-16-le" else head[::2]
    letters = head.replace(b"\0", b"").isascii() and any(0x20 <= byte < 0x7F for byte in script)
    return encoding if text.isascii() or (not letters and re.search(r"^[\[{]|\n", text)) else ""


def looks_like_json(text: str) -> bool:
    """Whether a text is meant as JSON; a list of entries may begin with "[UNK]" or "{"."""
    return bool(re.match(r"\s*(\{\s*([\"'}]|$)|\[\s*([\"'\[\]{\d-]|(null|true|false)\b|$))", text))


def _text(head: bytes) -> str | None:
    """``head`` as text, if it is: UTF-8 without control characters, or UTF-16."""
    if encoding := utf_16(head):
        return head.decode(encoding, "ignore")
    try:
        text = head.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 3:
            return None
        text = head[: error.start].decode("utf-8-sig")
    return None if re.search(r"[\x00-\x08\x0e-\x1f\x7f]", text) else text


def _answer(text: str) -> Said:
    return say(
        "this is a server's answer, not a file ({text}); download the file again, or ask its owner for access",
        text=text[:200],
    )


def beside(value: Mapping[str, Any]) -> Said | None:
    """What a JSON object is that lies beside a model and holds neither weights nor words; None if nothing shows it."""
    numbers = [item for item in value.values() if type(item) is int]
    for names, what in BESIDE if len(numbers) < len(value) else ():
        if any(re.fullmatch(names, name) for name in value):
            return what
    rows = sorted(numbers) == list(range(len(value)))
    kinds = WHOLLY if rows else (*WHOLLY, *NO_ROWS)
    return next((what for names, what in kinds if value and all(re.fullmatch(names, name) for name in value)), None)


def _json(data: bytes) -> Said:
    if len(data) > MAX_JSON:
        return say("this is a JSON file, not a model. {read}", read=READ)
    try:
        value = json.loads(data)
    except json.JSONDecodeError as error:
        return say(
            "this is a JSON file that breaks off or has a mistake in line {line}, and not a model. {read}",
            line=error.lineno,
            read=READ,
        )
    except (ValueError, RecursionError):
        return say("this is a JSON file, not a model. {read}", read=READ)
    return _object(value) if isinstance(value, dict) else _listed(value)


def _object(value: Mapping[str, Any]) -> Said:
    keys = value.keys()
    answers = [value[key] for key in ("error", "message", "detail") if isinstance(value.get(key), str)]
    if answers and (len(keys) <= MOST_KEYS or "error" in keys):
        return _answer(answers[0])
    if "modelTopology" in keys or "weightsManifest" in keys:
        return say(
            "this is the graph of a TensorFlow.js model, whose weights lie in other files; convert it: "
            "tensorflowjs_converter --input_format=tfjs_layers_model --output_format=keras model.json model.h5"
        )
    if "weight_map" in keys:
        return say("this is the index of a checkpoint, but it names no files. {read}", read=READ)
    if "nbformat" in keys:
        return say("this is a notebook; save the weights of its model: torch.save(model.state_dict(), path)")
    if value.get("class_name") == "Tokenizer" or {"vocab", "itos", "word_index", "added_tokens"} & keys:
        return VOCABULARY
    if "class_name" in keys and "config" in keys:
        return say('this is a Keras model without its weights; save both: model.save("model.keras")')
    if (what := beside(value)) is not None:
        return say("this is {what}, without any weights; give the file of these (model.safetensors)", what=what)
    if value and all(type(item) is int for item in value.values()):
        return VOCABULARY
    return say("this is a JSON file, not a model. {read}", read=READ)


def _listed(value: Any) -> Said:
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        return VOCABULARY
    return say("this is a JSON file, not a model. {read}", read=READ)
