"""An unprepared machine gets one sentence and a command, not a traceback; a prepared one starts in any folder."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import language, start
from dashboard.browser import publish

ROOT = Path(__file__).resolve().parent.parent
APP = ROOT / "dashboard" / "app.py"


@pytest.fixture(autouse=True)
def unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing has been checked or published before the test."""
    start.check.cache_clear()
    monkeypatch.setattr(publish, "publish", publish.publish.__wrapped__)


def shown() -> tuple[str, str]:
    """The sentence and the command of a page that cannot be drawn; it holds nothing else."""
    page = AppTest.from_file(str(APP)).run()
    assert [title.value for title in page.title] == ["Gatescope"] and not page.exception and not page.error
    [sentence], [command] = page.markdown, page.code
    return sentence.value, command.value


def test_static_files_that_are_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    options = {"server.enableStaticServing": False}
    monkeypatch.setattr(start.st, "get_option", lambda name: options[name])
    sentence, command = shown()
    assert "static files are switched off" in sentence and "`.streamlit/config.toml`" in sentence
    assert command == "streamlit run dashboard/app.py --server.enableStaticServing=true"


def test_a_folder_that_cannot_be_written_to(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "static").write_text("a file where a folder should be, which stops even root")
    monkeypatch.setattr(publish, "STATIC", tmp_path / "static")
    sentence, command = shown()
    assert "cannot write to its folder `dashboard/static`" in sentence
    assert command == "python -m dashboard.browser.publish"


@pytest.mark.parametrize(("query", "says"), [("en", "cannot write to its folder"), ("zh", "dashboard/static")])
def test_a_checkout_in_which_nothing_was_published(query: str, says: str, tmp_path: Path) -> None:
    """In a process of its own, since what fills the folder is the first import of a page."""
    for name in (".streamlit", "lstm_core", "assets"):
        (tmp_path / name).symlink_to(ROOT / name)
    shutil.copytree(ROOT / "dashboard", tmp_path / "dashboard", ignore=shutil.ignore_patterns("static", "__pycache__"))
    (tmp_path / "dashboard" / "static").write_text("a file where a folder should be, which stops even root")
    code = (
        "from streamlit.testing.v1 import AppTest\n"
        "page = AppTest.from_file('dashboard/app.py', default_timeout=300)\n"
        f"page.query_params['lang'] = {query!r}\n"
        "for _ in range(2):\n"
        "    page.run()\n"
        "    print([one.value for one in page.markdown], [one.value for one in page.code], page.exception, page.error)"
    )
    run = [sys.executable, "-B", "-c", code]
    done = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, check=True)
    for line in done.stdout.splitlines():
        assert says in line and line.count("python -m dashboard.browser.publish") == 1, line
        assert str(tmp_path) not in line and line.endswith("ElementList() ElementList()")


@pytest.mark.parametrize("published", [False, True])
def test_a_folder_that_holds_only_some_languages(
    published: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A disk that cannot be written to is enough if every language is there, else a visitor would meet the error."""
    monkeypatch.setattr(publish, "STATIC", tmp_path)
    publish.publish()
    if published:
        for code in language.languages():
            publish.publish_words.__wrapped__(code)
    monkeypatch.setattr(start.os, "access", lambda path, mode: False)
    if published:
        start.check()
    else:
        with pytest.raises(start.NotReady, match="Permission denied"):
            start.check()


def test_packages_that_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start, "_installed", lambda name: name not in ("babel", "onnx"))
    sentence, command = shown()
    assert sentence == "Gatescope needs what is not installed here: onnx, babel. Install it and start again:"
    assert command == "python -m pip install -r dashboard/requirements.txt"


def test_a_streamlit_that_is_too_old(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start, "find_spec", lambda name: None)
    monkeypatch.setattr(start, "version", lambda name: "1.40.0")
    assert "streamlit 1.67.0 (here is 1.40.0)" in shown()[0]


def test_what_is_said_is_mended_without_a_restart(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(start, "_installed", lambda name: False)
        with pytest.raises(start.NotReady):
            start.check()
    start.check()


def test_nothing_that_may_be_missing_is_needed_to_say_so() -> None:
    code = "import sys, dashboard.start as s; s.missing(); print(sorted({'numpy', 'lstm_core'} & set(sys.modules)))"
    blocked = "import sys; sys.modules.update(dict.fromkeys(('numpy', 'tokenizers', 'babel', 'plotly')))"
    # Streamlit itself needs NumPy; it is there already when the app starts.
    done = subprocess.run(
        [sys.executable, "-c", f"import streamlit\n{blocked}\n{code}"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("folder", [ROOT, ROOT / "dashboard", Path("/")], ids=["own", "the app's", "another"])
def test_the_settings_hold_in_every_folder(folder: Path, tmp_path: Path) -> None:
    """As `streamlit run` reads them: Gatescope's lie beside app.py, too."""
    code = (
        "from streamlit.web import bootstrap; from streamlit import config\n"
        f"config._main_script_path = {str(APP)!r}; bootstrap.load_config_options({{}})\n"
        "names = ('server.enableStaticServing', 'server.showEmailPrompt', 'browser.gatherUsageStats')\n"
        "print([config.get_option(name) for name in names], config.get_option('server.maxUploadSize'))"
    )
    env = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, env=env, capture_output=True, text=True)
    assert done.stdout == "[True, False, False] 50\n", done.stderr
