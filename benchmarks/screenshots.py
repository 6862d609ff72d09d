"""``make screenshots``: README's pictures, taken from the running app."""

from __future__ import annotations

from benchmarks.browser import ROOT, chromium, serve
from benchmarks.page import GATESCOPE, viewer

FOLDER = ROOT / "assets" / "screenshots"


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    with chromium() as browser, serve() as server, viewer(browser, GATESCOPE, server) as shown:
        shown.page.wait_for_timeout(1000)  # fonts
        shown.page.screenshot(path=FOLDER / "gates.png")


if __name__ == "__main__":
    main()
