"""A file with a few changes, by the random numbers that are given: bytes, and what its format is made of.

Where a format says how long something is, or signs it with a checksum, that is made right again: what is wrong with the
file is then deeper in it than where a reader looks first.
"""

from __future__ import annotations

import io
import json
import random
import re
import zipfile
from contextlib import suppress
from typing import Any

NUMBERS = (b"0", b"-1", b"3", b"1" * 12, b"null", b"1e9", b'"x"', b"[]")
ODD = (0, 1, -1, 2**31 - 1, 2**31, 2**63 - 1, 2**64, 1e308, -0.0, None, True, "", "\ud800", "a" * 500, [], {}, [[]])
"""What stands in JSON where something else is expected."""
LENGTHS = (0, 1, 0x7F, 0xFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, (1 << 63) - 1, (1 << 64) - 1)


def mutated(data: bytes, rng: random.Random, others: list[bytes]) -> bytes:
    """``data`` with a few changes. others: files of the same kind, parts of which may come in."""
    if rng.random() < 0.75:
        with suppress(Exception):  # what the libraries that write the format say to what is no longer of it
            if data[:2] == b"PK":
                return in_archive(data, rng, others)
            if data[:8] == b"\x89HDF\r\n\x1a\n":
                return in_hdf5(data, rng)
            if data[:1] in b"{[":
                return in_json(data, rng)
            if data[8:9] == b"{":  # safetensors
                size = int.from_bytes(data[:8], "little")
                header = in_json(data[8 : 8 + size], rng)
                return len(header).to_bytes(8, "little") + header + data[8 + size :]
            if data[:1] == b"\x08":  # ONNX begins with its version
                return in_message(data, rng)
    if rng.random() < 0.1:
        other = rng.choice(others)
        return data[: rng.randrange(len(data) + 1)] + other[rng.randrange(len(other) + 1) :]
    return changed(data, rng, rng.randrange(1, 6))


def changed(data: bytes, rng: random.Random, times: int) -> bytes:
    """A few changes of bytes, most of them near the beginning, where headers stand."""
    new = bytearray(data)
    for _ in range(times):
        at = min(rng.randrange(len(new) + 1), rng.randrange(len(new) + 1))
        size = min(rng.choice((1, 1, 1, 4, 8, 100)), len(new) - at)
        match rng.randrange(8):
            case 0:
                new[at : at + size] = rng.randbytes(size)
            case 1:
                del new[at : at + size]
            case 2:
                new[at:at] = rng.randbytes(size)
            case 3:
                new[at:at] = new[at : at + size]
            case 4:
                new[at : at + size] = rng.choice((b"\x00", b"\xff", b"\x7f", b"\x80", b"9", b"-")) * size
            case 5:  # a number of the header becomes another one
                digits = [match.span() for match in re.finditer(rb"\d+", bytes(new[:4000]))]
                if digits:
                    first, last = rng.choice(digits)
                    new[first:last] = rng.choice(NUMBERS)
            case 6:  # a length lies
                wide = rng.choice((2, 4, 8))
                new[at : at + wide] = (rng.choice(LENGTHS) & ((1 << 8 * wide) - 1)).to_bytes(wide, "little")
            case 7:
                if rng.random() < 0.2:
                    del new[at:]
    return bytes(new)


def in_archive(data: bytes, rng: random.Random, others: list[bytes]) -> bytes:
    """A member is changed, or two have each other's content, one is left out, stands twice or has another name."""
    with zipfile.ZipFile(io.BytesIO(data)) as old:
        members = [(name, old.read(name)) for name in old.namelist()]
    at = rng.randrange(len(members))
    if rng.random() < 0.5:  # what says how the rest is read
        at = next((k for k, (name, _) in enumerate(members) if name.endswith((".pkl", "config.json"))), at)
    name, content = members[at]
    match rng.randrange(9):
        case 0:
            del members[at]
        case 1:
            other = rng.randrange(len(members))
            members[at], members[other] = (name, members[other][1]), (members[other][0], content)
        case 2:
            members.append((name, changed(content, rng, 2)))
        case 3:
            members[at] = rng.choice(("../../x", "/x", "a" * 300, "", name.upper(), name + "/", "data.pkl")), content
        case _:
            members[at] = name, mutated(content, rng, [inside for _, inside in members])
    packing = rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", packing) as new:
        for name, content in members:
            new.writestr(name, content)
    return file.getvalue()


def in_json(data: bytes, rng: random.Random) -> bytes:
    return json.dumps(in_tree(json.loads(data), rng)).encode()


def in_tree(tree: Any, rng: random.Random) -> Any:
    """Some places of a tree hold something else: another kind, another part of the tree, or nothing."""
    for _ in range(rng.randrange(1, 4)):
        places = list(_places(tree))
        if not places:
            return rng.choice(ODD)
        holder, key = rng.choice(places)
        value = holder[key]
        match rng.randrange(6):
            case 0:
                del holder[key]
            case 1:
                other, at = rng.choice(places)
                holder[key] = other[at] if not isinstance(other[at], dict | list) else json.loads(json.dumps(other[at]))
            case 2 if isinstance(value, int | float):
                holder[key] = rng.choice((value + 1, -value, value * 1000, float(value), str(value), [value]))
            case 3 if isinstance(value, str):
                holder[key] = changed(value.encode("utf-8", "replace"), rng, 2).decode("utf-8", "replace")
            case 4 if isinstance(value, list) and value:
                holder[key] = value * rng.choice((0, 2, 50)) if len(value) < 1000 else value[::2]
            case 5 if isinstance(holder, dict):
                holder[rng.choice((*map(str, holder), "class_name", "config", "__proto__", ""))] = holder.pop(key)
            case _:
                holder[key] = rng.choice(ODD)
    return tree


def _places(tree: Any, deep: int = 0) -> Any:
    keys = tree if isinstance(tree, dict) else range(len(tree)) if isinstance(tree, list) else ()
    for key in list(keys)[:300]:
        yield tree, key
        if deep < 40:
            yield from _places(tree[key], deep + 1)


def in_message(data: bytes, rng: random.Random) -> bytes:
    """A field of a protobuf message, or one of those in it, is changed; the lengths around it are right."""
    fields = list(_fields(data))
    at = rng.randrange(len(fields))
    number, kind, value = fields[at]
    if kind == 2 and len(value) > 3 and rng.random() < 0.8:
        try:
            fields[at] = number, kind, in_message(value, rng)
        except (ValueError, IndexError):  # no message: text, or numbers
            fields[at] = number, kind, changed(value, rng, 2)
    else:
        match rng.randrange(6):
            case 0:
                del fields[at]
            case 1:
                fields.insert(at, fields[at])
            case 2:
                other = rng.randrange(len(fields))
                fields[at] = number, *fields[other][1:]
            case 3:
                fields[at] = rng.randrange(1, 30), kind, value
            case _ if kind == 0:
                fields[at] = number, kind, rng.choice((0, 1, 2, 7, 1000, 2**31 - 1, 2**63, 2**64 - 1))
            case _:
                fields[at] = number, kind, changed(value, rng, 1) if kind == 2 else value
    return b"".join(map(_field, fields))


def _fields(data: bytes) -> Any:
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        number, kind = key >> 3, key & 7
        if not 0 < number < 5000:
            raise ValueError
        if kind == 0:
            value, at = _varint(data, at)
        elif kind == 2:
            size, at = _varint(data, at)
            value, at = data[at : at + size], at + size
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
            value, at = data[at : at + size], at + size
        else:
            raise ValueError
        if at > len(data):
            raise ValueError
        yield number, kind, value


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def _number(value: int) -> bytes:
    parts = bytearray()
    while value >= 0x80:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts, value])


def _field(field: tuple[int, int, Any]) -> bytes:
    number, kind, value = field
    body = _number(value) if isinstance(value, int) else value
    return _number(number << 3 | kind) + (_number(len(body)) if kind == 2 else b"") + body


def in_hdf5(data: bytes, rng: random.Random) -> bytes:
    """A data set or an attribute is another one: of another shape or kind, linked elsewhere, in a circle, or gone."""
    import h5py
    import numpy as np

    file = io.BytesIO(data)
    with h5py.File(file, "r+") as tree:
        names: list[str] = []
        tree.visit(names.append)
        holder = tree[rng.choice(names)] if names and rng.random() < 0.5 else tree
        attributes = list(holder.attrs)
        if attributes and rng.random() < 0.6:
            name = rng.choice(attributes)
            value = holder.attrs[name]
            if isinstance(value, str | bytes) and value[:1] in ("{", b"{"):
                holder.attrs[name] = json.dumps(in_tree(json.loads(value), rng))
            else:
                holder.attrs[name] = rng.choice((b"", b"\xff", 3, -1.5, np.zeros(3), np.zeros((2, 2, 2)), "x" * 100))
            return _written(tree, file)
        sets = [name for name in names if isinstance(tree.get(name), h5py.Dataset)]
        name = rng.choice(sets or names)
        value = tree[name]
        shape = tuple(getattr(value, "shape", ()))
        del tree[name]
        match rng.randrange(9):
            case 0:
                pass
            case 1:
                tree[name] = np.zeros(shape[::-1], np.float32)
            case 2:
                tree[name] = np.full(shape, rng.choice((np.nan, np.inf, 1e30)), np.float64)
            case 3:
                tree[name] = np.zeros(shape, rng.choice(("i4", "S3", "u1", "c8", "f2", "?")))
            case 4:
                tree[name] = h5py.ExternalLink(rng.choice(("/etc/passwd", "other.h5", "")), "/x")
            case 5:
                tree[name] = h5py.SoftLink(rng.choice(("/", f"/{name}", "/nowhere")))
            case 6:
                tree[name] = tree["/"]
            case 7:  # claims, and holds nothing
                shape = tuple(rng.choice((1, n, 1 << 20)) for n in shape) or (1 << 40,)
                tree.create_dataset(name, shape, "f4", chunks=True, compression=rng.choice((None, "gzip")))
            case 8:
                tree.create_group(name)
        return _written(tree, file)


def _written(tree: Any, file: io.BytesIO) -> bytes:
    tree.flush()
    return file.getvalue()
