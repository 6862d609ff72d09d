"""examples/*.ipynb and docs/notebook.md: their code runs, in this process, and with NIGHTLY=1 in a kernel as well."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((ROOT / "examples").glob("*.ipynb"))


def cells(path: Path) -> list[dict[str, Any]]:
    return [cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]


def test_there_are_four_and_they_are_small() -> None:
    assert len(NOTEBOOKS) == 4
    for path in NOTEBOOKS:
        assert path.stat().st_size < 8000 and all(not cell["outputs"] for cell in cells(path)), path.name
        assert f"`{path.name}`" in (ROOT / "docs" / "notebook.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebooks_code_runs(path: Path) -> None:
    names: dict[str, Any] = {}
    for cell in cells(path):
        exec(compile("".join(cell["source"]), path.name, "exec"), names)


@pytest.mark.skipif(not os.environ.get("NIGHTLY"), reason="a kernel for each; their code runs in one process above")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
@pytest.mark.filterwarnings("ignore")
def test_a_notebook_runs_in_a_kernel(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import nbformat
    from nbclient import NotebookClient

    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    notebook = NotebookClient(nbformat.read(path, 4), timeout=120, kernel_name="python3").execute()
    shown = [out["data"] for cell in notebook.cells for out in cell.get("outputs", ()) if "data" in out]
    assert any("application/vnd.jupyter.widget-view+json" in data and "text/html" in data for data in shown)


def test_the_documents_code_runs() -> None:
    names: dict[str, Any] = {}
    for code in re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "notebook.md").read_text(), re.DOTALL):
        exec(compile(code, "docs/notebook.md", "exec"), names)
    assert (names["view"].step, names["view"].unit, names["second"].step) == (2, 5, 2)
