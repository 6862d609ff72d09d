"""An unlucky host, for a server that is started with this folder on its PYTHONPATH: somebody sets its clock, and where
nobody may write, root may not either."""

import os
import sys
import tempfile
import time

CLOCK = os.environ.get("CHAOS_CLOCK")
"""A file that says by how many seconds the clock is wrong."""

if CLOCK:
    true_time, true_ns = time.time, time.time_ns

    def wrong() -> float:
        try:
            with open(CLOCK) as file:
                return float(file.read() or 0)
        except (OSError, ValueError):
            return 0.0

    time.time = lambda: true_time() + wrong()
    time.time_ns = lambda: true_ns() + int(wrong() * 1e9)

if BOUND := os.environ.pop("CHAOS_BOUND", ""):
    command = [*BOUND.split(), sys.executable, *sys.orig_argv[1:]]
    os.execvp(command[0], command)

tempfile.gettempdir()  # Python looks for another folder if this one is full by then
