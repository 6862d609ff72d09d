"""The play as an animated GIF, of what the browser has drawn.

The browser knows fonts, scripts and how the grid looks; it sends the picture once, and for every step a strip of text
and where the cursors stand. Whatever comes from a browser may be broken on purpose: sizes are read and checked before
anything is decoded.
"""

from __future__ import annotations

import binascii
import io
import json
import struct
import warnings
from base64 import b64decode
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from dashboard.language import mark

MOST, A_STEP = 200, 500
"""Steps, and characters that are said of one."""
BYTES = 8_000_000
"""Of a picture that is sent; of the GIF ``LARGEST``."""
LARGEST = 5_000_000
PIXELS = 2_000_000
"""Of a frame. The strips of all steps together have at most ``SHEET``."""
SHEET = 12_000_000
SIDE = 16_384
PAPER, INK, OPEN = 253, 254, 255
"""The last numbers of the palette; ``OPEN`` is left as it was in the frame before."""
SIGNATURE = b"\x89PNG\r\n\x1a\n"

BROKEN = mark("The browser sent no film that can be read; try again.")
MANY = mark("A film has at most 200 steps.")
LARGE = mark("The figure is too large for a film; make the window smaller.")


Edge = tuple[int, int, int, int]


class Film(NamedTuple):
    """What was sent, checked. boxes: for each step the cursors' (left, top, right, bottom) in the picture; beat: ms."""

    picture: Image.Image
    strips: Image.Image
    boxes: list[list[Edge]]
    beat: int
    ink: tuple[int, int, int]


def made(sent: Any) -> bytes:
    """``gif`` of what a browser sent, made in a worker."""
    from dashboard import apart

    if not isinstance(sent, Mapping):
        raise ValueError(BROKEN)
    texts = {name: sent[name] for name in ("picture", "strips") if isinstance(sent.get(name), str)}
    if len(texts) < 2:
        raise ValueError(BROKEN)
    if any(len(text) > BYTES * 4 // 3 + 4 for text in texts.values()):
        raise ValueError(LARGE)
    rest = {name: sent.get(name) for name in ("boxes", "beat", "ink")}
    try:
        steps = len(rest["boxes"] or ())
        if steps <= MOST and len(json.dumps(rest)) > MOST * A_STEP:
            raise TypeError("more is said of the steps than they have")
    except (TypeError, RecursionError):
        raise ValueError(BROKEN) from None
    if steps > MOST:
        raise ValueError(MANY)
    files = {name: text.encode("ascii", "replace") for name, text in texts.items()}
    return apart.read("dashboard.export.film:parts", files, {"rest": rest})[1][0].tobytes()


def parts(files: Mapping[str, bytes], rest: Mapping[str, Any]) -> tuple[None, list[np.ndarray]]:
    """``gif`` as a worker answers it."""
    data = gif({**rest, **{name: value.decode("ascii") for name, value in files.items()}})
    return None, [np.frombuffer(data, np.uint8)]


def gif(sent: Any) -> bytes:
    """The GIF of what a browser sent. Raises ValueError, with what to say, for anything that is no film.

    Each frame is saved by itself and what follows its palette, which all have in common, is put behind the ones
    before: Pillow's own way keeps every frame until the last, half a gigabyte of a long play on a large screen.
    """
    film = read(sent)
    file = b""
    for frame in _frames(film):
        part = io.BytesIO()
        once = {} if file else {"loop": 0}
        frame.save(part, "GIF", duration=film.beat, disposal=1, transparency=OPEN, optimize=False, interlace=0, **once)
        data = part.getvalue()
        palette_end = 13 + 3 * 2 ** ((data[10] & 7) + 1)
        file += (data[palette_end:] if file else data)[:-1]
        if len(file) > LARGEST:
            raise ValueError(LARGE)
    return file + b";"


def _frames(film: Film) -> Iterator[Image.Image]:
    """The first picture, and then what is new in each: what stays as it was is left open."""
    width, below = film.picture.size
    high = film.strips.height // len(film.boxes)
    paper = film.picture.getpixel((0, 0))
    palette = _palette(film.picture, paper, film.ink)

    def drawn(image: Image.Image) -> Image.Image:
        found = image.quantize(palette=palette, dither=Image.Dither.NONE)
        # Pillow looks a colour up to within four steps; the paper's, which is most of the picture, is to be its own.
        found.paste(PAPER, mask=Image.fromarray((np.asarray(image) == paper).all(-1)))
        return found

    base = palette.resize((width, high + below))
    base.paste(drawn(film.picture), (0, high))
    frame = base.copy()
    before: list[Edge] = []
    for step, boxes in enumerate(film.boxes):
        edges = [(x, top + high, x + 1, bottom + high + 1) for left, top, right, bottom in boxes for x in (left, right)]
        for edge in before:
            frame.paste(base.crop(edge), edge)
        for edge in edges:
            frame.paste(INK, edge)
        frame.paste(drawn(film.strips.crop((0, step * high, width, (step + 1) * high))))
        yield frame
        before = edges
        frame.paste(OPEN, (0, 0, *frame.size))


def _palette(picture: Image.Image, paper: Any, ink: Any) -> Image.Image:
    """One palette for all frames: the picture's colours, then the paper's and the ink's as they are."""
    found = picture.quantize(PAPER, Image.Quantize.MEDIANCUT)
    colours = (found.getpalette() or [])[: 3 * PAPER]
    found.putpalette([*colours, *[0] * (3 * PAPER - len(colours)), *paper, *ink, 0, 0, 0])
    return found


def read(sent: Any) -> Film:
    """What was sent, checked and decoded."""
    if not isinstance(sent, Mapping):
        raise ValueError(BROKEN)
    boxes, beat, ink = sent.get("boxes"), sent.get("beat"), sent.get("ink")
    if not isinstance(boxes, list) or not boxes or not all(isinstance(step, list) and len(step) <= 2 for step in boxes):
        raise ValueError(BROKEN)
    if len(boxes) > MOST:
        raise ValueError(MANY)
    if not (_whole(beat, 20, 10_000) and isinstance(ink, list) and len(ink) == 3):
        raise ValueError(BROKEN)
    if not all(_whole(part, 0, 255) for part in ink):
        raise ValueError(BROKEN)
    picture = _png(sent.get("picture"), PIXELS)
    strips = _png(sent.get("strips"), SHEET)
    width, height = picture.size
    if strips.width != width or strips.height % len(boxes):
        raise ValueError(BROKEN)
    if width * (height + strips.height // len(boxes)) > PIXELS:
        raise ValueError(LARGE)
    found = [[_box(box, width, height) for box in step] for step in boxes]
    return Film(_decoded(picture), _decoded(strips), found, int(beat or 0), (int(ink[0]), int(ink[1]), int(ink[2])))


def _whole(value: Any, low: int, high: int) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and low <= value <= high


def _box(box: Any, width: int, height: int) -> Edge:
    """Left, top, width, height as sent, as edges within the picture."""
    if not (isinstance(box, list) and len(box) == 4 and all(_whole(one, -SIDE, SIDE) for one in box)):
        raise ValueError(BROKEN)
    left, top, wide, high = map(int, box)
    right, bottom = left + wide - 1, top + high - 1
    if not (0 <= left <= right < width and 0 <= top <= bottom < height):
        raise ValueError(BROKEN)
    return left, top, right, bottom


def _png(text: Any, pixels: int) -> Image.Image:
    """The picture in base64, its header read and nothing decoded yet."""
    if not isinstance(text, str) or len(text) > BYTES * 4 // 3 + 4:
        raise ValueError(LARGE if isinstance(text, str) else BROKEN)
    try:
        data = b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(BROKEN) from None
    if data[:8] != SIGNATURE or data[12:16] != b"IHDR" or len(data) < 24:
        raise ValueError(BROKEN)
    width, height = struct.unpack(">II", data[16:24])
    if not (0 < width <= SIDE and 0 < height <= SIDE and width * height <= pixels):
        raise ValueError(LARGE)
    try:
        image = Image.open(io.BytesIO(data), formats=["PNG"])
    except Exception:
        raise ValueError(BROKEN) from None
    if image.size != (width, height):  # a second header, larger than the first
        raise ValueError(BROKEN)
    return image


def _decoded(image: Image.Image) -> Image.Image:
    """Pillow reports a broken file by exceptions of many kinds."""
    try:
        with warnings.catch_warnings(action="ignore"):
            return image.convert("RGB")
    except Exception:
        raise ValueError(BROKEN) from None
