"""The files that browsers load come compressed from memory; no request gets a file that Streamlit would not give it."""

from __future__ import annotations

import asyncio
import gzip
import socket
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send
from streamlit import config

from benchmarks.browser import Server, serve
from dashboard import cache, served, server
from dashboard.browser.publish import publish
from dashboard.state import Settings
from tests import loops

SCRIPT = "export default 'a script that is long enough'\n" * 50


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two folders that are served, and beside them a file that is not."""
    for name in ("streamlits/js", "streamlits/d.js", "ours/0123abcd"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("streamlits/js/index.D0r-m_v.js", "streamlits/page.css", "ours/0123abcd/words.zh.js", "secret.js"):
        (tmp_path / name).write_text(name + SCRIPT)
    (tmp_path / "ours/.hidden.js").write_text(SCRIPT)
    (tmp_path / "ours/font.woff2").write_text(SCRIPT)
    folders = {"/static/": tmp_path / "streamlits", "/app/static/": tmp_path / "ours"}
    monkeypatch.setattr(served, "FOLDERS", folders)
    return tmp_path


async def streamlits(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 299, "headers": []})
    await send({"type": "http.response.body", "body": b"Streamlit's"})


Answer = tuple[int, dict[str, str], bytes]


def ask(*paths: str, method: str = "GET", root: str = "", kind: str = "http", **headers: str) -> list[Answer]:
    """What one server answers to these requests, which come at one moment."""

    async def one(app: served.Compressed, path: str) -> Answer:
        sent: list[Message] = []

        async def send(message: Message) -> None:
            sent.append(message)

        said = {"accept-encoding": "gzip, br", **{name.replace("_", "-"): value for name, value in headers.items()}}
        pairs = [(name.encode(), value.encode()) for name, value in said.items()]
        scope = {"type": kind, "method": method, "path": path, "root_path": root, "headers": pairs}

        async def receive() -> Any:
            raise AssertionError("nothing is read of such a request")

        await app(scope, receive, send)
        head = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        return sent[0]["status"], head, b"".join(message.get("body", b"") for message in sent[1:])

    async def all_of_them() -> list[Answer]:
        app = served.Compressed(streamlits)
        return await asyncio.gather(*(one(app, path) for path in paths))

    return loops.run(all_of_them())


@pytest.mark.parametrize(
    ("path", "file", "kind"),
    [
        ("/static/js/index.D0r-m_v.js", "streamlits/js/index.D0r-m_v.js", "text/javascript; charset=utf-8"),
        ("/static/page.css", "streamlits/page.css", "text/css; charset=utf-8"),
        ("/app/static/0123abcd/words.zh.js", "ours/0123abcd/words.zh.js", "text/javascript; charset=utf-8"),
    ],
)
def test_a_file_comes_compressed_and_stays_in_the_browser(path: str, file: str, kind: str, folder: Path) -> None:
    [(status, headers, body)] = ask(path)
    assert status == 200 and gzip.decompress(body) == (folder / file).read_bytes() and len(body) < 500
    assert headers["content-encoding"] == "gzip" and headers["content-type"] == kind
    assert headers["vary"] == "Accept-Encoding" and int(headers["content-length"]) == len(body)
    assert "immutable" in headers["cache-control"]


@pytest.mark.parametrize(
    "path",
    [
        "/secret.js",
        "/static/../secret.js",
        "/static/js/../../secret.js",
        "/static/d.js/../../secret.js",
        "/static//secret.js",
        "/static/./page.css",
        "/static/js/..%2f..%2fsecret.js",
        "/static/..\\secret.js",
        "/static/js",
        "/static/js/none.js",
        "/app/static/.hidden.js",
        "/app/static/font.woff2",
        "/app/static/0123abcd/",
        "/static/page.css\n",
        "/static/page.css\0.js",
        "/x/static/page.css",
        "/",
    ],
)
def test_anything_else_is_streamlits(path: str, folder: Path) -> None:
    assert ask(path)[0][::2] == (299, b"Streamlit's")


@pytest.mark.parametrize(
    "request_",
    [{"method": "HEAD"}, {"method": "POST"}, {"range": "bytes=0-3"}, {"accept_encoding": "br"}, {"kind": "lifespan"}],
    ids=str,
)
def test_whatever_is_special_about_a_request_is_streamlits(request_: dict[str, str], folder: Path) -> None:
    assert ask("/static/page.css", **request_)[0][::2] == (299, b"Streamlit's")


def test_below_a_path(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ask("/mount/static/page.css", root="/mount")[0][0] == 200
    option = config.get_option
    monkeypatch.setattr(config, "get_option", lambda name: "/gates/" if name == "server.baseUrlPath" else option(name))
    monkeypatch.setattr(served.st, "get_option", config.get_option)
    assert ask("/gates/static/page.css")[0][0] == 200


def test_a_file_is_compressed_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Path] = []
    compressed = served.compressed
    monkeypatch.setattr(served, "compressed", lambda path: made.append(path) or compressed(path))
    answers = ask(*["/static/page.css"] * 20, "/static/js/index.D0r-m_v.js")
    assert [status for status, _, _ in answers] == [200] * 21 and len(made) == 2


def test_what_is_kept_has_a_limit(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(served, "MOST", 100)
    names = ["/static/page.css", "/static/js/index.D0r-m_v.js", "/static/page.css"]

    async def one_after_another() -> None:
        app = served.Compressed(streamlits)
        for name in names:
            assert await app._content(served.FOLDERS["/static/"] / name.removeprefix("/static/"))
            assert app._bytes <= 100 and len(app._kept) <= 1

    loops.run(one_after_another())


def test_a_file_that_is_gone_is_streamlits(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "is_file", lambda self: True)
    assert ask("/static/js/gone.js")[0][0] == 299


def test_a_short_answer_does_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as listens, socket.socket() as other:
        for one in (listens, other):
            one.bind(("127.0.0.1", 0))
            one.listen()
        assert served.without_delay(listens.getsockname()[1]) == 1
        for one, told in ((listens, True), (other, False)):
            with socket.create_connection(one.getsockname()) as _, one.accept()[0] as accepted:
                assert bool(accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)) == told


def test_what_everybody_needs_is_there_before_the_first_visitor() -> None:
    cache.forget()
    server.prepare()
    home = Settings()
    kept: Any = cache._readings._kept
    assert {(name, text) for name, text, *_ in kept} == {
        (home.left, home.text),
        (home.right, home.text),
    }


PAGE = b'<html><title>Streamlit</title><div id="root"></div></html>'
ANSWERS = {
    "/": (b"text/html; charset=utf-8", PAGE),
    "/media/a.html": (b"text/html", b"a visitor's"),
    "/a": (b"a", PAGE),
}


def opens(path: str, method: str = "GET", **headers: str) -> Answer:
    """What comes of Streamlit's answer, which is sent in two parts."""
    seen: list[dict[bytes, bytes]] = []

    async def streamlits(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(dict(scope["headers"]))
        kind, body = ANSWERS[scope["path"]]
        pairs = [(b"content-type", kind), (b"etag", b"1"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": pairs})
        await send({"type": "http.response.body", "body": body[:9], "more_body": True})
        await send({"type": "http.response.body", "body": body[9:]})

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Any:
        raise AssertionError("nothing is read of such a request")

    said = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": method, "path": path, "headers": said}
    loops.run(served.Opening(streamlits)(scope, receive, send))
    if (b"accept", b"text/html") in said and method == "GET":
        assert set(seen[0]) == {b"accept"}, "or it could be answered with nothing, or with what is compressed"
    head = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], head, b"".join(message["body"] for message in sent[1:])


@pytest.mark.parametrize("accepted", ["gzip, br", "identity"])
def test_a_page_is_not_empty_until_its_scripts_are_there(accepted: str) -> None:
    status, head, body = opens("/", accept="text/html", accept_encoding=accepted, if_none_match="1")
    assert status == 200 and "etag" not in head and head["content-length"] == str(len(body))
    if "gzip" in accepted:
        assert head["content-encoding"] == "gzip" and head["vary"] == "Accept, Accept-Encoding"
        body = gzip.decompress(body)
    assert body == PAGE.replace(b"></div>", b">" + served.MEANWHILE + b"</div>").replace(b"Streamlit", b"Gatescope")


@pytest.mark.parametrize(
    ("path", "method", "accept"),
    [
        ("/media/a.html", "GET", "text/html"),
        ("/a", "GET", "text/html"),
        ("/", "GET", "*/*"),
        ("/", "HEAD", "text/html"),
    ],
)
def test_what_is_no_page_of_streamlits_stays_as_it_is(path: str, method: str, accept: str) -> None:
    kind, body = ANSWERS[path]
    head = {"content-type": kind.decode(), "etag": "1", "content-length": str(len(body))}
    assert opens(path, method, accept=accept, if_none_match="1") == (200, head, body)


@pytest.fixture(scope="module")
def running() -> Iterator[Server]:
    with serve() as running:
        yield running


def test_a_browser_gets_what_is_in_the_files(running: Server) -> None:
    ours, plotly = publish()
    names = (f"{ours}/gates/gates.js", plotly)
    files = {f"/app/static/{name}": served.FOLDERS["/app/static/"] / name for name in names}
    streamlits = served.FOLDERS["/static/"]
    index = next((streamlits / "js").glob("index.*.js"))
    files[f"/static/js/{index.name}"] = index
    for path, file in files.items():
        for accepted in ("gzip", "identity"):
            request = urllib.request.Request(running.url + path, headers={"Accept-Encoding": accepted})
            with urllib.request.urlopen(request) as answer:
                body = answer.read()
                assert answer.headers.get("content-encoding", "identity") == accepted
                assert (gzip.decompress(body) if accepted == "gzip" else body) == file.read_bytes()
                assert answer.headers["content-type"].partition(";")[0].endswith("javascript")
                assert "content-security-policy" in answer.headers, "dashboard/server.py answers with it, too"
    assert "was not found" not in running.output()


@pytest.mark.parametrize("path", ["/", "/memory"])
def test_streamlits_own_page_has_a_place_for_it(running: Server, path: str) -> None:
    request = urllib.request.Request(running.url + path, headers={"Accept": "text/html", "Accept-Encoding": "gzip"})
    with urllib.request.urlopen(request) as answer:
        body = gzip.decompress(answer.read())
        assert served.MEANWHILE in body and b"<title>Gatescope</title>" in body and served.ROOT not in body
        assert "content-security-policy" in answer.headers and answer.headers["cache-control"] == "no-cache"
