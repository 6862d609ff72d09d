"""What leaves the page: a file that needs no server, and a film made of what a browser has sent."""

from __future__ import annotations

import base64
import gzip
import io
import json
import re
import struct
import zlib
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageSequence

from dashboard import language
from dashboard.export import film, offline
from dashboard.figures.content import content
from dashboard.state import Settings
from dashboard.views import gates
from dashboard.views.gates import captions, lines
from lstm_core import CELLS
from lstm_core.drawing.order import PANEL
from tests.small_models import small_model
from tests.test_figures import unpack
from tests.test_views import opened, small

__all__ = ["small"]  # a fixture that is used by its name
HOSTILE = "</script><script>alert(1)</script><!-- \"'& 😀 她 ${x} $content </h1>"


def tree(text: str, *cells: str) -> dict[str, Any]:
    models = [small_model(cell) for cell in cells or ("lstm", "gru")]
    traces = [model.run(text) for model in models]
    told = content(models, traces, [m.predictions(t, 3) for m, t in zip(models, traces, strict=True)], (None, None))
    return told | {"text": text, "settings": {"at": -1}, "notices": []}


def cell(name: str) -> offline.Cell:
    trace = small_model(name).run("Mary")
    return offline.Cell(trace.cell.title, lines(trace), list(captions(trace)))


def packed(page: str, name: str) -> bytes:
    found = re.search(rf'<script type="text/plain" id="{name}">([\w+/=]*)</script>', page)
    assert found is not None
    return gzip.decompress(base64.b64decode(found[1]))


def imported(page: str) -> dict[str, str]:
    """The source of each module that the page carries, by the name that it is imported by."""
    table = re.search(r'<script type="importmap">(.*?)</script>', page)
    assert table is not None
    return {
        name: base64.b64decode(address.removeprefix("data:text/javascript;base64,")).decode()
        for name, address in json.loads(table[1])["imports"].items()
    }


# ---- the saved page


def test_the_page_holds_the_numbers_of_the_figure_and_plotly() -> None:
    told = tree("Mary saw John")
    page = offline.page(told, [cell("lstm"), cell("gru")]).decode()
    found = unpack(packed(page, "content"))
    assert found["text"] == "Mary saw John" and found["language"] == "en"
    for one, other in zip(told["figure"]["data"], found["figure"]["data"], strict=True):
        if "z" in one:
            np.testing.assert_array_equal(one["z"], other["z"])
    assert b"plotly.js (cartesian" in packed(page, "plotly")[:200]


def test_every_module_that_is_imported_is_in_the_page() -> None:
    page = offline.page(tree("Mary"), []).decode()
    sources = {**imported(page), "start": page.rpartition('<script type="module">')[2]}
    assert {"gatescope/gates/gates.js", "gatescope/gates/film.js", "gatescope/page/words.js"} <= set(sources)
    for source in sources.values():
        assert not re.search(r"(from|import\()\s*[\"'`]\.", source)
        for name in re.findall(r"from \"(.+?)\"", source):
            assert name in sources, name


def test_nothing_is_asked_from_anywhere() -> None:
    page = offline.page(tree("Mary"), [cell("lstm")]).decode()
    bare = re.sub(r"<script.*?</script>|<style.*?</style>", "", page, flags=re.DOTALL)
    assert not re.search(r"src=|href=|url\(|@import|<link|<iframe|<img", bare)
    assert "default-src 'none'" in page


def test_what_a_visitor_wrote_is_text() -> None:
    told = tree(HOSTILE)
    told["sides"][0]["model"] = HOSTILE
    page = offline.page(told, [offline.Cell(HOSTILE, lines(small_model("lstm").run("a")), [HOSTILE])]).decode()
    assert "alert(1)</script>" not in page and page.count("<script") == page.count("</script>") == 5
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") == 5  # title, sentence, cell, caption, origin
    assert unpack(packed(page, "content"))["text"] == HOSTILE


def test_the_link_back_is_only_there_for_others() -> None:
    assert "<a " not in offline.page(tree("Mary"), []).decode()
    assert "<a " not in offline.page(tree("Mary"), [], "javascript:alert(1)").decode()
    assert (
        'href="https://a.org/?text=%22&amp;b"' in offline.page(tree("Mary"), [], "https://a.org/?text=%22&b").decode()
    )


def test_the_page_speaks_the_language_in_use() -> None:
    language.ask(lambda: "zh")
    try:
        page = offline.page(tree("Mary"), []).decode()
    finally:
        language.ask(lambda: language.ENGLISH)
    assert '<html lang="zh">' in page and "无需联网" in page and "播放" in imported(page)["gatescope/page/words.zh.js"]


def test_the_largest_figure_is_below_six_million_bytes_and_says_that_it_was_shortened() -> None:
    told = tree("Mary saw John")
    assert b"three digits" not in offline.page(told, [])
    rng = np.random.default_rng(0)
    told["more"] = [rng.uniform(-1, 1, PANEL).astype(np.float32) for _ in range(16)]
    page = offline.page(told, [])
    assert len(page) < 6_000_000 and b"three digits" in page
    for one, other in zip(told["more"], unpack(packed(page.decode(), "content"))["more"], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3)


@pytest.mark.parametrize("name", sorted(CELLS))
def test_every_cells_equations_can_be_written(name: str) -> None:
    page = offline.page(tree("Mary"), [cell(name)]).decode()
    assert (
        page.count("<math") == len(cell(name).lines)
        and "\\" not in page.partition('class="cells"')[2].partition("</div>")[0]
    )


# ---- in the app


def files(test) -> list[dict[str, Any]]:
    trees = (unpack(one.proto.bytes) for one in test.get("bidi_component"))
    return next(one["files"] for one in trees if "files" in one)


def test_the_page_is_made_in_the_run_that_asks_for_it_with_the_view_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    assert files(opened(text="Mary saw John because she")) == []
    chosen = {"at": 1, "unit": 5, "unit2": None, "sort": "keep", "only": "<script>", "text": "no", "left": "none"}
    monkeypatch.setattr(gates, "asked", {"offline": chosen}.get)
    (file,) = files(opened(text="Mary saw John because she"))
    assert (file["name"], file["type"]) == ("gatescope.html", "text/html")
    found = unpack(packed(base64.b64decode(file["data"]).decode(), "content"))
    assert found["settings"] | {"at": 1, "unit": 5, "unit2": None, "sort": "keep"} == found["settings"]
    assert found["text"] == "Mary saw John because she"
    assert found["sides"][0]["model"] == "pronouns-lstm"


@pytest.mark.parametrize("chosen", [1, "x", [], {"at": "<b>", "unit": [1], "sort": {"a": 1}}, {"unit": 10**30}])
def test_any_wish_gives_a_page_or_none(chosen: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gates, "asked", {"offline": chosen}.get)
    assert len(files(opened(text=""))) <= 1


def test_what_is_wrong_with_a_film_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gates, "asked", {"film": {"picture": "no"}}.get)
    test = opened(text="Mary")
    assert files(test) == []
    trees = (unpack(one.proto.bytes) for one in test.get("bidi_component"))
    assert next(one for one in trees if "files" in one)["notices"][-1] == film.BROKEN


def test_a_link_back_leads_others_to_the_view(monkeypatch: pytest.MonkeyPatch) -> None:
    here = SimpleNamespace(url="https://example.org/gates")
    monkeypatch.setattr(gates.st, "context", here)
    link = urlsplit(gates._address(Settings(text="a & b"), Settings(at=3, unit=5)))
    query = dict(parse_qsl(link.query))
    assert link.hostname == "example.org" and query["text"] == "a & b" and (query["at"], query["unit"]) == ("3", "5")
    assert gates._address(Settings(text="long " * 1000), Settings()) == ""
    here.url = "http://localhost:8501"
    assert gates._address(Settings(), Settings()) == ""


# ---- the film

SIZE, HIGH, STEPS = (120, 90), 10, 5


def png(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def text(data: bytes) -> str:
    return base64.b64encode(data).decode()


@pytest.fixture
def sent() -> dict[str, Any]:
    """A picture with a gradient, strips with a mark further right at each step, cursors on two sides."""
    picture = Image.linear_gradient("L").resize(SIZE).convert("RGB")
    picture.paste("white", (0, 0, SIZE[0], 5))
    strips = Image.new("RGB", (SIZE[0], HIGH * STEPS), "white")
    for step in range(STEPS):
        ImageDraw.Draw(strips).rectangle((10 * step, HIGH * step + 2, 10 * step + 4, HIGH * step + 6), "black")
    boxes = [[[5 + 10 * step, 8, 10, 70], [60 + 10 * step, 8, 10, 70]] for step in range(STEPS)]
    shown = {"picture": text(png(picture)), "strips": text(png(strips))}
    return shown | {"boxes": boxes, "beat": 450, "ink": [200, 0, 0]}


def frames(data: bytes) -> Iterator[tuple[Image.Image, int]]:
    image = Image.open(io.BytesIO(data))
    for frame in ImageSequence.Iterator(image):
        yield frame.convert("RGB"), frame.info["duration"]


def test_a_film_has_a_frame_for_each_step_with_its_strip_and_its_cursors(sent: dict[str, Any]) -> None:
    found = list(frames(film.gif(sent)))
    assert len(found) == STEPS
    plain = Image.open(io.BytesIO(base64.b64decode(sent["picture"])))
    for step, (frame, beat) in enumerate(found):
        assert frame.size == (SIZE[0], SIZE[1] + HIGH) and beat == 450
        pixels = np.asarray(frame).astype(int)
        red = np.flatnonzero((pixels[HIGH + 40] == (200, 0, 0)).all(-1))
        assert red.tolist() == [left + edge for left, *_ in sent["boxes"][step] for edge in (0, 9)]
        dark = np.flatnonzero(pixels[4].sum(-1) < 100)
        assert (dark.min(), dark.max()) == (10 * step, 10 * step + 4)
        rest = np.delete(np.arange(SIZE[0]), red)
        assert np.abs(pixels[HIGH:, rest] - np.asarray(plain).astype(int)[:, rest]).max() <= 6
        assert tuple(pixels[HIGH + 1, 1]) == (255, 255, 255)  # the paper is its own colour


def test_a_long_film_is_small(sent: dict[str, Any]) -> None:
    picture = Image.effect_noise((1500, 700), 80).convert("RGB")
    strips = Image.new("RGB", (1500, 24 * film.MOST), "white")
    boxes = [[[5 + 3 * step, 8, 4, 600]] for step in range(film.MOST)]
    made = film.gif(sent | {"picture": text(png(picture)), "strips": text(png(strips)), "boxes": boxes})
    assert len(made) < film.LARGEST and sum(1 for _ in frames(made)) == film.MOST


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def bomb(width: int, height: int, second: tuple[int, int] | None = None) -> bytes:
    """A PNG that says to be that large, in some bytes; with a second header that says something else."""
    heads = [chunk(b"IHDR", struct.pack(">II5B", *size, 8, 2, 0, 0, 0)) for size in [(width, height), second] if size]
    return film.SIGNATURE + b"".join(heads) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")


BROKEN: dict[str, Callable[[dict[str, Any]], Any]] = {
    "nothing": lambda sent: None,
    "a list": lambda sent: [sent],
    "empty": lambda sent: {},
    "no steps": lambda sent: sent | {"boxes": []},
    "too many steps": lambda sent: (
        sent
        | {
            "boxes": sent["boxes"] * 41,
            "strips": text(png(Image.new("RGB", (120, 205)))),
        }
    ),
    "a hundred cursors": lambda sent: sent | {"boxes": [step * 50 for step in sent["boxes"]]},
    "steps that are no lists": lambda sent: sent | {"boxes": [1, 2, 3, 4, 5]},
    "a box that is none": lambda sent: sent | {"boxes": [[[1, 2]]] * STEPS},
    "a box outside": lambda sent: sent | {"boxes": [[[100, 8, 50, 70]]] * STEPS},
    "a box of negative size": lambda sent: sent | {"boxes": [[[50, 8, -20, 70]]] * STEPS},
    "a box of no number": lambda sent: sent | {"boxes": [[[float("nan"), 8, 2, 70]]] * STEPS},
    "an endless beat": lambda sent: sent | {"beat": 1e9},
    "a beat of text": lambda sent: sent | {"beat": "450"},
    "ink out of range": lambda sent: sent | {"ink": [256, 0, 0]},
    "no picture": lambda sent: sent | {"picture": None},
    "no base64": lambda sent: sent | {"picture": "<svg>"},
    "no PNG": lambda sent: sent | {"picture": text(b"GIF89a" + bytes(100))},
    "a signature only": lambda sent: sent | {"picture": text(film.SIGNATURE)},
    "a PNG cut off": lambda sent: sent | {"picture": sent["picture"][:200]},
    "a PNG of noise": lambda sent: sent | {"picture": text(film.SIGNATURE + chunk(b"IHDR", bytes(13)) + bytes(99))},
    "a huge picture": lambda sent: sent | {"picture": text(bomb(60_000, 60_000))},
    "a picture that is no multiple": lambda sent: sent | {"picture": text(bomb(1, 1))},
    "a second header": lambda sent: sent | {"picture": text(bomb(120, 90, (16_000, 16_000)))},
    "strips of many pixels": lambda sent: (
        sent
        | {
            "picture": text(png(Image.new("RGB", (1500, 700)))),
            "strips": text(bomb(1500, 16_000)),
            "boxes": sent["boxes"] * 40,
        }
    ),
    "strips with a second header": lambda sent: (
        sent
        | {
            "strips": text(bomb(120, 2000, (120, 3_000_000))),
            "boxes": sent["boxes"] * 40,
        }
    ),
    "huge strips": lambda sent: sent | {"strips": text(bomb(120, 16_000_000))},
    "narrow strips": lambda sent: sent | {"strips": text(png(Image.new("RGB", (60, 50))))},
    "strips that do not divide": lambda sent: sent | {"strips": text(png(Image.new("RGB", (120, 51))))},
    "many bytes": lambda sent: sent | {"picture": "A" * 20_000_000},
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_no_film_is_refused_and_not_decoded(
    name: str, sent: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[tuple[int, int]] = []
    convert = Image.Image.convert
    monkeypatch.setattr(Image.Image, "convert", lambda self, mode: decoded.append(self.size) or convert(self, mode))
    with pytest.raises(ValueError) as error:
        film.gif(BROKEN[name](sent))
    assert error.value.args[0] in (film.BROKEN, film.MANY, film.LARGE)
    assert all(width * height <= film.PIXELS for width, height in decoded)


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_no_film_is_refused_by_the_worker_too(name: str, sent: dict[str, Any]) -> None:
    with pytest.raises(ValueError) as error:
        film.made(BROKEN[name](sent))
    assert error.value.args[0] in (film.BROKEN, film.MANY, film.LARGE)


def test_a_worker_makes_the_same_film(sent: dict[str, Any]) -> None:
    assert film.made(sent) == film.gif(sent)
