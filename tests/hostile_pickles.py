"""Pickles that somebody made on purpose, and damaged files by their seed.

    python hostile_pickles.py FOLDER FIRST COUNT

reads so many of the damaged files in this process, and prints the number of each before it is read and what is wrong
with the reading: an error of another kind than ValueError, an import, a file that is opened, a command.
"""

from __future__ import annotations

import io
import pickle
import pickletools
import random
import struct
import sys
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

LIMIT = 1 << 24
MEMORY = 1200 << 20
SECONDS = 10
WATCHED = (
    "exec",
    "compile",
    "open",
    "import",
    "os.",
    "subprocess.",
    "socket.",
    "ctypes.",
    "pickle.",
    "shutil.",
    "code.",
)
"""Python's audit events, or how they begin, of what reading a file must not do."""

P2, P4 = b"\x80\x02", b"\x80\x04"


def text(value: str) -> bytes:
    return b"X" + struct.pack("<I", len(value.encode())) + value.encode()


def calls(marker: str) -> Iterator[tuple[str, str, bytes]]:
    """Module and name of what would write the file ``marker``, and its arguments as a pickled tuple."""
    touch, write = f"touch {marker}", f"open({marker!r}, 'w')"
    for module, name, *arguments in (
        ("os", "system", touch),
        ("posix", "system", touch),
        ("nt", "system", touch),
        ("os", "popen", touch),
        ("subprocess", "getoutput", touch),
        ("subprocess", "Popen", ["touch", marker]),
        ("builtins", "eval", write),
        ("builtins", "exec", write),
        ("__builtin__", "eval", write),
        ("builtins", "open", marker, "w"),
        ("io", "open", marker, "w"),
        ("pathlib", "Path.touch", marker),
        ("timeit", "timeit", write),
        ("runpy", "run_path", marker),
        ("importlib", "import_module", "antigravity"),
        ("builtins", "__import__", "antigravity"),
        ("torch", "load", marker),
        ("torch.storage", "_load_from_bytes", write),
        ("torch.hub", "load_state_dict_from_url", marker),
        ("numpy", "load", marker),
        ("numpy.f2py.crackfortran", "myeval", write),
        ("lstm_core.files.checkpoint.container", "content", marker),
        ("os", "mkdir", marker),
        ("shutil", "copyfile", __file__, marker),
        ("code", "InteractiveInterpreter", write),
    ):
        yield module, name, pickle.dumps(tuple(arguments), 2)[2:-1]


def ways(module: str, name: str, arguments: bytes) -> Iterator[bytes]:
    """Every way in which a pickle calls something or has it made, and things that are done with what comes of it."""
    named = f"c{module}\n{name}\n".encode()
    stacked = text(module) + text(name) + b"\x93"
    yield P2 + named + arguments + b"R."
    yield P4 + stacked + arguments + b"R."
    yield P2 + named + arguments + b"\x81."
    yield P4 + stacked + arguments + b"}\x92."
    yield P2 + b"(" + text("a") + f"i{module}\n{name}\n.".encode()
    yield P2 + b"(" + named + text("a") + b"o."
    # called with the other arguments: getattr, functools, operator, copyreg
    yield P2 + b"cbuiltins\ngetattr\n(" + f"c{module}\n{name.partition('.')[0]}\n".encode() + text("a") + b"tR(tR."
    yield P2 + b"cfunctools\npartial\n(" + named + b"tR" + arguments + b"R."
    yield P2 + b"coperator\nmethodcaller\n(" + text(name) + b"tR(c" + f"{module}\n__class__\n".encode() + b"tR."
    yield P2 + b"ccopy_reg\n_reconstructor\n(" + named + b"c__builtin__\nobject\nNtR."
    yield P2 + b"ctorch._tensor\n_rebuild_from_type_v2\n(" + named + named + arguments + b"}tR."
    yield P2 + b"cbuiltins\nmap\n(" + named + b"]" + text("a") + b"atR\x85cbuiltins\nlist\n0."
    # built, set, added to, used as a key
    for thing in (named + b")R", named, b"ctorch._utils\n_rebuild_tensor_v2\n", b"ccollections\nOrderedDict\n"):
        for state in (b"}" + text("__setstate__") + named + b"s", b"N}" + text("__new__") + named + b"s\x86", named):
            yield P2 + thing + state + b"b."
            yield P2 + thing + state + b"b" + arguments + b"R."
        yield P2 + b"}" + thing + thing + b"s."
        yield P2 + thing + text("a") + text("b") + b"s."
        yield P2 + thing + b"(" + named + named + b"e."
        yield P2 + thing + named + b"a."
        yield P4 + thing + b"(" + named + b"\x90."
        yield P2 + thing + b"Q."
    yield P2 + b"\x82\x01."
    yield P2 + b"\x83\x01\x01."


def bombs() -> dict[str, bytes]:
    """Small files that claim or make much."""
    n = 500_000
    return {
        "nested lists": P2 + b"]" * n + b"a" * (n - 1) + b".",
        "nested tuples": P2 + b")" + b"\x85" * n + b".",
        "nested dicts": P2 + b"}K\x01" * n + b"}" + b"s" * n + b".",
        "nested objects": P2 + b"cm\nc\n)R" * 1000 + b"b" * 999 + b".",
        "a place in the memo": P2 + b"]r\xff\xff\xff\xff.",
        "a place nearer": P2 + b"]r\x00\x00\x00\x10.",
        "bytes": P4 + b"\x8e" + struct.pack("<Q", 10**10) + b"abc.",
        "more bytes than there are numbers": P4 + b"\x8e" + struct.pack("<Q", (1 << 64) - 1) + b"abc.",
        "a bytearray": b"\x80\x05\x96" + struct.pack("<Q", 10**9) + b"abc.",
        "text": P4 + b"\x8d" + struct.pack("<Q", 10**9) + b"abc.",
        "a frame": P4 + b"\x95" + struct.pack("<Q", 10**12) + b"N.",
        "digits": P2 + b"I" + b"9" * 10**6 + b"\n.",
        "a long number": P2 + b"\x8b" + struct.pack("<i", 10**6) + b"\x7f" * 10**6 + b".",
        "a negative length": P2 + b"\x8b" + struct.pack("<i", -5) + b".",
        "marks": P2 + b"(" * 10**6 + b".",
        "a deep key": P2 + b"})" + b"\x85" * 10**6 + b"K\x01s.",
        "a wide key": P2 + b"})" + b"q\x00h\x00\x86" * 60 + b"K\x01s.",
        "doubled lists": P2 + b"]" + b"q\x00]h\x00ah\x00a" * 1000 + b".",
        "doubled bytes": P2
        + b"U\x10"
        + b"a" * 16
        + b"q\x00"
        + b"".join(b"h\x00h\x00\x86q\x00" for _ in range(99))
        + b".",
        "many classes": P2 + b"".join(b"cm%d\nf\n0" % k for k in range(50_000)) + b"N.",
        "many objects": P2 + b"(" + b"cm\nf\n)R" * 100_000 + b"l.",
        "names in names": P2 + b"(" + text("k" * 900) * 90 + b"N" + b"d" + b".",
    }


def weight(
    name: str, *, size: bytes = b"K\x04K\x02\x86", step: bytes = b"K\x02K\x01\x86", first: bytes = b"K\x00"
) -> bytes:
    """An entry of a state_dict, in the newer format's pickle: eight float32 in the storage "0"."""
    storage = b"(" + text("storage") + b"ctorch\nFloatStorage\n" + text("0") + text("cpu") + b"K\x08tQ"
    tensor = b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + first + size + step + b"\x89}tR"
    return text(name) + tensor


def archive(pickled: bytes, **members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("archive/data.pkl", pickled)
        for name, content in ({"data/0": bytes(32)} | members).items():
            file.writestr(f"archive/{name}", content)
    return buffer.getvalue()


HUGE = b"\x8a\x09" + (1 << 66).to_bytes(9, "little")
LIES = {
    "an enormous shape": {"size": b"(" + HUGE + HUGE + b"t"},
    "an enormous shape of nothing": {"size": b"(K\x00" + HUGE + b"t"},
    "a broadcast": {"size": b"(J\x00\x00\x00\x40J\x00\x00\x00\x40t", "step": b"(K\x00K\x00t"},
    "beyond the storage": {"first": b"K\x01"},
    "far beyond the storage": {"first": HUGE},
    "more than can be printed": {"size": b"(\x8b\xd0\x07\x00\x00" + b"\x7f" * 2000 + b"K\x02t"},
    "a negative offset": {"first": b"J\xff\xff\xff\xff"},
    "a negative size": {"size": b"(J\xff\xff\xff\xffK\x02t"},
    "a negative step": {"step": b"(J\xfe\xff\xff\xffK\x01t"},
    "an enormous step": {"step": b"(" + HUGE + b"K\x01t"},
    "fewer steps": {"step": b"K\x01\x85"},
    "sizes that are text": {"size": b"(" + text("4") + text("2") + b"t"},
    "a fraction": {"first": b"G" + struct.pack(">d", 0.5)},
    "many axes": {"size": b"(" + b"K\x01" * 100 + b"t", "step": b"(" + b"K\x01" * 100 + b"t"},
    "an object for a shape": {"size": b"cm\nf\n)R"},
}


# ---- damaged files

SNIPPETS = [
    *(bytes([op.code.encode("latin1")[0]]) for op in pickletools.opcodes),
    b"(K\x01K\x02e",
    b"cos\nsystem\n(" + text("touch gatescope-was-here") + b"tR",
    b"cbuiltins\neval\n",
    b"ccollections\nOrderedDict\n)R",
    b"ctorch._utils\n_rebuild_tensor_v2\n",
    b"ctorch._utils\n_rebuild_sparse_tensor\n",
    b"ctorch._tensor\n_rebuild_from_type_v2\n",
    b"ctorch.storage\n_load_from_bytes\n",
    b"cnumpy\ndtype\n(" + text("f8") + b"\x89\x88tR",
    b"cnumpy._core.multiarray\nscalar\n",
    b"cnumpy._core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85C\x01btR",
    b"ctorch.nn.modules.rnn\nLSTM\n)\x81}" + text("_parameters") + b"}s" + text("_modules") + b"}sb",
    HUGE,
    b"J\xff\xff\xff\xff",
    b"r\xff\xff\xff\x00",
    b"h\x00",
    b"h\x05",
    text("weight_hh_l0"),
    text("storage"),
]


def damaged(files: list[bytes], seed: int) -> bytes:
    """One of the files with a few changes; those in an archive's member leave its checksum right."""
    rng = random.Random(seed)
    data = rng.choice(files)
    times = rng.choice((1, 1, 2, 3, 6))
    if not data.startswith(b"PK") or rng.random() < 0.15:
        return changed(data, rng, times)
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(buffer, "w") as new:
        names = old.namelist()
        chosen = names[0] if rng.random() < 0.8 else rng.choice(names)
        for name in names:
            content = old.read(name)
            if name != chosen or rng.random() > 0.03:
                new.writestr(name, changed(content, rng, times) if name == chosen else content)
    return buffer.getvalue()


def changed(data: bytes, rng: random.Random, times: int) -> bytes:
    places = [0]
    with suppress(Exception):  # the older format is several pickles, with numbers after them
        for _, _, at in pickletools.genops(data):
            places.append(at or 0)
    new = bytearray(data)
    for _ in range(times):
        at = min(rng.choice(places) if rng.random() < 0.7 else rng.randrange(len(new) + 1), len(new))
        end = min(rng.choice([place for place in places[-50:] if place >= at] or [at]), at + 200)
        match rng.randrange(6):
            case 0:
                new[at:at] = rng.choice(SNIPPETS)
            case 1:
                new[at : at + 1] = rng.choice(SNIPPETS)
            case 2:
                del new[at:end]
            case 3:
                new[at:at] = new[at:end] * rng.choice((1, 1, 1, 50))
            case 4:
                new[at : at + 4] = rng.randbytes(4)
            case 5 if rng.random() < 0.3:
                del new[at:]
    return bytes(new)


def main(folder: str, first: int, count: int) -> None:
    import resource
    import signal
    import traceback

    from lstm_core.files.checkpoint import parse
    from lstm_core.say import Said

    files = [path.read_bytes() for path in sorted(Path(folder).glob("*.pt"))]
    for data in files:
        parse(data, LIMIT)  # imports what it needs
    b"a".decode("cp437")  # zipfile's for names that are not ASCII
    seen: list[Any] = []
    armed = [False]
    sys.addaudithook(lambda event, args: seen.append((event, args)) if armed[0] and event.startswith(WATCHED) else None)
    modules = set(sys.modules)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    for seed in range(first, first + count):
        data = damaged(files, seed)
        print("reads", seed, flush=True)
        signal.alarm(SECONDS)  # ends the process
        armed[0] = True
        try:
            parse(data, LIMIT)
        except (MemoryError, RecursionError):
            pass
        except ValueError as error:
            if not isinstance(error.args[0], Said):
                print("wrong", seed, "not said in words:", repr(error), flush=True)
        except BaseException as error:
            armed[0] = False
            print("wrong", seed, traceback.format_exception(error)[-4:], flush=True)
        finally:
            armed[0] = False
            signal.alarm(0)
        if seen or set(sys.modules) != modules:
            print("wrong", seed, "did", seen[:3], set(sys.modules) - modules, flush=True)
            seen.clear()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
