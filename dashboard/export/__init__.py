"""What leaves the page with the audience: a page that needs no server, and a film of the play."""

from __future__ import annotations

from base64 import b64encode
from typing import Any
from uuid import uuid4


def handed(name: str, kind: str, data: bytes) -> dict[str, Any]:
    """A file as the figure's component takes it; the browser saves what carries one ``id`` once."""
    return {"id": uuid4().hex, "name": name, "type": kind, "data": b64encode(data).decode()}
