"""``python -m lstm_core``: the command line, as ``gatescope`` is."""

from __future__ import annotations

import sys

if __name__ == "__main__":
    from lstm_core.cli import main

    sys.exit(main())
