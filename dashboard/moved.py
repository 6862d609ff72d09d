"""The component below the gradients: two figures to move, of an exploding gradient and of dropout between layers."""

from __future__ import annotations

from dashboard.browser.mount import mounted

_mount = mounted("gatescope_moved", "moved/moved.js")


def moved(key: str = "moved") -> None:
    """Draw both; all of it happens in the browser."""
    _mount(key, {})
