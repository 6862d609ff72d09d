"""`python -m tests.run_code CODE FOLDER`: a job for the tests of jobs."""

from __future__ import annotations

import sys

if __name__ == "__main__":
    exec(sys.argv[1])
