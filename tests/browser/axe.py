"""What axe finds on a page."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.browser.gates import rested

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


def violations(page: Page) -> list[str]:
    rested(page)
    page.add_style_tag(content="*, ::before, ::after { transition: none !important; animation: none !important }")
    rules = {"heading-order": {"enabled": True}}  # no level is left out
    wanted = {"runOnly": {"type": "tag", "values": TAGS}, "rules": rules, "resultTypes": ["violations"]}
    found = Axe().run(page, options=wanted)
    return [
        f"{one['id']} {node['target']}: {node['failureSummary']}"
        for one in found.response["violations"]
        for node in one["nodes"]
    ]
