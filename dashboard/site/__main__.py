"""``python -m dashboard.site [FOLDER]`` writes the page without a server (`make site`)."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from dashboard.site.build import build


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m dashboard.site", description=__doc__)
    parser.add_argument("folder", nargs="?", default="site", type=Path)
    folder = parser.parse_args().folder
    try:
        build(folder)
    except (ValueError, OSError) as error:
        sys.exit(str(error))
    written = [path for path in folder.rglob("*") if path.is_file()]
    whole = sum(path.stat().st_size for path in written) / 1e6
    print(f"{folder}: {len(written)} files, {whole:.1f} MB. Open {folder / 'index.html'}, or put it on any web server.")


if __name__ == "__main__":
    main()
