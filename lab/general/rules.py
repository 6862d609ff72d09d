"""Gatescope's own rules (``lstm_core.text``) in the JSON of a tokenizer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def without(tokenizer: str, kind: str) -> str:
    """The same tokenizer without the rules of this type."""
    content = json.loads(tokenizer)
    rule = content["normalizer"]
    rules = [one for one in rule.get("normalizers", [rule]) if one["type"] != kind]
    return _text({**content, "normalizer": {"type": "Sequence", "normalizers": rules}})


def ruled(tokenizer: str, rule: Mapping[str, Any]) -> str:
    """The same tokenizer with this rule before all others, in the place of any of its type."""
    content = json.loads(without(tokenizer, rule["type"]))
    content["normalizer"]["normalizers"].insert(0, rule)
    return _text(content)


def _text(content: Mapping[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))
