"""The image, the compose file and docs/hosting.md, read as text; and the app, run in the image's files."""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatch
from pathlib import Path

import pytest
import yaml

from benchmarks.browser import free_port
from benchmarks.load import Viewer
from dashboard.cache import LIMIT
from dashboard.jobs import AT_ONCE
from dashboard.state import LONGEST
from dashboard.yours.given import UNFOLDED

ROOT = Path(__file__).resolve().parent.parent
HOSTING = (ROOT / "docs" / "hosting.md").read_text(encoding="utf-8")
CONFIG = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
SERVICE = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]["gatescope"]


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions with what follows them, in one line each."""
    text = re.sub(r"(?m)^\s*#.*\n", "", (ROOT / "Dockerfile").read_text(encoding="utf-8"))
    lines = re.sub(r"\\\n\s*", " ", text).splitlines()
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in lines) if word]


def written(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def last_stage() -> list[tuple[str, str]]:
    found = instructions()
    return found[max(k for k, (word, _) in enumerate(found) if word == "FROM") :]


def said(word: str) -> str:
    """What the image says with an instruction that it has once."""
    [found] = [rest for one, rest in last_stage() if one == word]
    return found


def copied(stage: list[tuple[str, str]]) -> Iterator[str]:
    """Sources in this folder that are copied by these instructions."""
    for word, rest in stage:
        if word == "COPY" and not rest.startswith("--from"):
            yield from rest.split()[:-1]


def ignored(path: str) -> bool:
    """Whether .dockerignore keeps ``path`` from the builder: the last line that fits it, or a folder of it, decides."""
    found = False
    parts = [path, *(str(parent) for parent in Path(path).parents)]
    for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines():
        pattern = line.removeprefix("!")
        if line and not line.startswith("#"):
            every = pattern.removeprefix("**/")
            fits = any(fnmatch(one, pattern) or (every != pattern and fnmatch(Path(one).name, every)) for one in parts)
            found = not line.startswith("!") if fits else found
    return found


def test_the_image_runs_as_nobody_in_particular_and_says_how_it_is() -> None:
    user, _, group = said("USER").partition(":")
    assert int(user) > 0 and int(group) > 0
    assert "/_stcore/health" in said("HEALTHCHECK")


def test_the_images_command_is_that_of_everybody() -> None:
    command = " ".join(json.loads(said("CMD")))
    assert command == "streamlit run dashboard/app.py"
    for name in ("README.md", "docs/hosting.md", "Makefile"):
        assert f"python -m {command}" in (ROOT / name).read_text(encoding="utf-8")


def test_everything_that_is_copied_is_there_and_sent_to_the_builder() -> None:
    sources = list(copied(instructions()))
    requirements = {"requirements.lock", "requirements.txt", "dashboard/requirements.txt"}
    assert requirements | {"dashboard", "lstm_core", ".streamlit"} <= set(sources)
    for source in sources:
        assert (ROOT / source).exists(), source
        assert not ignored(source), source
    for source in (
        ".git",
        "tests",
        "dashboard/static/plotly.min.js",
        "lstm_core/__pycache__",
        "assets/screenshots/a.png",
    ):
        assert ignored(source), source
    assert not ignored("assets/models/pronouns-lstm.safetensors") and not ignored("dashboard/browser/gates/gates.js")


def test_both_stages_begin_with_one_base_that_is_named_by_its_digest() -> None:
    arguments = [rest.partition("=")[::2] for word, rest in instructions() if word == "ARG"]
    [base] = [value for name, value in arguments if name == "PYTHON"]
    assert re.fullmatch(r"python:3\.11-slim-bookworm@sha256:[0-9a-f]{64}", base)
    assert [rest.split()[0] for word, rest in instructions() if word == "FROM"] == ["${PYTHON}"] * 2


def test_the_lock_holds_what_the_page_asks_for_and_a_digest_of_each() -> None:
    pins = set(re.findall(r"^[\w-]+==[^\s;#]+", written("dashboard/requirements.txt"), re.MULTILINE))
    lock = re.sub(r" \\\n\s+", " ", re.sub(r"(?m)^#.*\n", "", written("requirements.lock"))).splitlines()
    locked = {line.split()[0]: line.split()[1:] for line in lock}
    assert len(pins) == 13 and pins <= locked.keys(), "the command that writes requirements.lock stands in its head"
    assert len({name.partition("==")[0] for name in locked}) == len(locked) == len(lock)
    for name, digests in locked.items():
        assert re.fullmatch(r"[a-z0-9.-]+==[\w.]+", name) and digests, name
        assert all(re.fullmatch("--hash=sha256:[0-9a-f]{64}", digest) for digest in digests), name
    assert "dashboard/requirements.txt --python-version 3.11" in written("requirements.lock").splitlines()[1]
    assert not (ROOT / "uv.lock").exists()  # Community Cloud would take it before requirements.txt


def test_torch_is_in_the_image_only_if_one_asks(tmp_path: Path) -> None:
    assert ("ARG", "TORCH=") in instructions()
    assert SERVICE["build"]["args"]["TORCH"] == "${TORCH:-}"
    locked, chosen = [rest for word, rest in instructions() if word == "RUN" and "/tmp/requirements" in rest]
    assert "--require-hashes -r /tmp/requirements.lock" in locked and "--only-binary :all:" in locked
    for name in ("pip", "uv"):
        (tmp_path / name).write_text(f'#!/bin/sh\necho {name} "$@"\n')
        (tmp_path / name).chmod(0o755)
    for torch in ("", "cu130"):
        env = {"TORCH": torch, "PATH": f"{tmp_path}:/usr/bin:/bin"}
        said = subprocess.run(["sh", "-c", chosen], env=env, capture_output=True, text=True, check=True).stdout
        assert said.endswith(" -r /tmp/requirements.txt --torch-backend cu130\n" if torch else ""), said
        assert bool(said) is bool(torch)


def test_what_is_installed_is_copied_to_where_each_file_finds_the_other() -> None:
    copies = [rest.split() for word, rest in instructions() if word == "COPY" and "requirements" in rest]
    alone = [[name, "/tmp/"] for name in ("requirements.lock", "requirements.txt")]
    assert copies == [*alone, ["dashboard/requirements.txt", "/tmp/dashboard/"]]


def test_the_service_can_write_nowhere_but_in_memory() -> None:
    assert SERVICE["read_only"] is True
    assert [one.partition(":")[0] for one in SERVICE["tmpfs"]] == ["/tmp"]
    assert SERVICE["cap_drop"] == ["ALL"] and "no-new-privileges:true" in SERVICE["security_opt"]
    assert "volumes" not in SERVICE
    assert SERVICE["ports"][0].endswith(f":{said('EXPOSE')}")


def test_the_service_has_its_limits() -> None:
    assert SERVICE["memswap_limit"] == SERVICE["mem_limit"]  # no swap
    assert SERVICE["cpus"] == "${CPUS:-2}" and SERVICE["pids_limit"] > 0
    assert "| 2 cores, 3 GB of memory, 512 MB of it `/tmp`, 50 MB of log |" in HOSTING and SERVICE["mem_limit"] == "3g"
    assert SERVICE["logging"]["options"] == {"max-size": "10m", "max-file": "5"}


def test_a_server_that_stands_still_is_started_again() -> None:
    """It ends itself (tests/test_server.py); Docker starts what has ended, and leaves what is only unhealthy."""
    assert re.search(r"\bGATESCOPE_STANDSTILL=60\b", said("ENV"))
    assert SERVICE["restart"] == "unless-stopped" and SERVICE["init"] is True


def test_every_setting_of_the_server_is_in_the_docs() -> None:
    names = set(re.findall(r"GATESCOPE_\w+", written("dashboard/server.py")))
    assert len(names) == 3 and names <= set(re.findall(r"GATESCOPE_\w+", HOSTING))
    assert SERVICE["environment"] == {"GATESCOPE_FRAME_ANCESTORS": "${GATESCOPE_FRAME_ANCESTORS:-}"}


def test_the_settings_are_those_that_the_docs_name() -> None:
    most = CONFIG["server"]["maxUploadSize"]
    assert f"| {most} MB, and {UNFOLDED >> 20} MB unfolded |" in HOSTING
    assert f"client_max_body_size {most + 1}m;" in HOSTING
    assert f"{ {2: 'two'}[AT_ONCE] } jobs at once" in HOSTING
    assert f"first {LONGEST:,} characters, of which {LIMIT:,} tokens" in HOSTING


def test_the_page_calls_no_other_host() -> None:
    """Usage statistics are off, and what the app sends to browsers names no address but XML's namespaces."""
    assert CONFIG["browser"]["gatherUsageStats"] is False
    assert "usage statistics are on (`gatherUsageStats`)" in HOSTING  # where Community Cloud has the last word
    for path in (ROOT / "dashboard").rglob("*"):
        if path.suffix in (".js", ".css", ".html", ".py") and "static" not in path.parts:
            named = re.findall(r"(?:https?|wss?)://([\w.-]+)", path.read_text(encoding="utf-8"))
            assert set(named) <= {"www.w3.org"}, (path, named)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the image holds below its working folder: copied, published, compiled, and not to be written to."""
    folder = tmp_path_factory.mktemp("image")
    for source in copied(last_stage()):
        target = folder / source
        if (ROOT / source).is_dir():
            shutil.copytree(
                ROOT / source, target, ignore=shutil.ignore_patterns("__pycache__", "static", "screenshots")
            )
        else:
            shutil.copy(ROOT / source, target)
    [publish] = [rest for word, rest in last_stage() if word == "RUN"]
    for command in publish.split(" && "):
        subprocess.run([sys.executable, *shlex.split(command)[1:]], cwd=folder, check=True, capture_output=True)
    for path in folder.rglob("*"):
        path.chmod(path.stat().st_mode & ~0o222)
    return folder


def contents(folder: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in folder.rglob("*")}


def test_it_runs_without_writing(built: Path, tmp_path: Path) -> None:
    """The image's command in the image's files: it is healthy, answers in both languages, and has written nothing."""
    before, port = contents(built), free_port()
    settings = dict(one.split("=", 1) for one in shlex.split(said("ENV")) if not one.startswith("PATH="))
    env = os.environ | settings | {"HOME": str(tmp_path), "STREAMLIT_SERVER_PORT": str(port)}
    log = (tmp_path / "log").open("w+")
    command = [sys.executable, "-m", *json.loads(said("CMD"))]
    with subprocess.Popen(command, cwd=built, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log) as server:
        try:
            check = said("HEALTHCHECK").partition("CMD python")[2].replace(":8501", f":{port}")
            healthy = f"{shlex.quote(sys.executable)}{check}"
            tries = f"for k in $(seq 400); do {healthy} 2>/dev/null && exit; sleep 0.3; done; exit 1"
            assert subprocess.run(["sh", "-c", tries], env=env).returncode == 0, (tmp_path / "log").read_text()
            for language in ("en", "zh"):
                with ThreadPoolExecutor(1) as apart:  # a browser's tests may have left a loop in this thread
                    apart.submit(asyncio.run, _visit(f"http://127.0.0.1:{port}", language)).result()
        finally:
            server.terminate()
    log.close()
    said_there = (tmp_path / "log").read_text()
    assert "Traceback" not in said_there and "external IP" not in said_there, said_there
    assert contents(built) == before


async def _visit(url: str, language: str) -> None:
    one = Viewer(url, 1, language=language)
    try:
        await one.open()
        await one.type(random.Random(0))
    finally:
        await one.close()
