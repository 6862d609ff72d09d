"""The network that looks, on its page: it sends what the network did, and a link that cannot be read is no fault."""

from __future__ import annotations

import numpy as np
import pytest

from dashboard.beyond import looking
from lstm_core.beyond import kept, pictures
from lstm_core.beyond.looking import Looking
from tests.test_beyond_page import PAGE, pixels, sent
from tests.test_views import opened


def test_the_picture_in_the_address_is_looked_at() -> None:
    test = opened(PAGE, beyond="Look", picture="rc5-bs6", at="2")
    shapes = pictures.read("rc5-bs6")
    [said] = looking.model().look(pictures.drawn([shapes]))
    assert sent(test, "forms")["picture"] == "rc5-bs6"
    shown = sent(test, "frames")
    assert shown["step"] == 2 and [one["label"] for one in shown["frames"]][:-1] == said.sentence
    for frame, alpha in zip(shown["frames"], said.alpha, strict=True):
        np.testing.assert_allclose(frame["heat"], alpha, atol=1e-6)
    np.testing.assert_allclose(pixels(shown["frames"][0]["image"]) / 255, pictures.drawn([shapes])[0], atol=1 / 255)
    panels = {one["id"]: one for one in sent(test, "panels")["panels"]}
    np.testing.assert_allclose(
        panels["decoder f"]["figure"]["data"][0]["z"], said.trace.signals["f"][0, 0, :, 0].T, atol=1e-6
    )
    assert "right" in shown["frames"][2]["said"] and "%" in shown["frames"][2]["said"]


@pytest.mark.parametrize("picture", ["", "nonsense", "rc0-bs1-gt2-yx3-po4", "rc999", "\x00"])
def test_any_link_opens(picture: str) -> None:
    test = opened(PAGE, picture=picture, at="99999", beyond="nothing")
    if picture:
        assert sent(test, "forms")["picture"] == looking.HOME
    else:
        assert any("at least one shape" in one.value for one in test.caption)


def test_a_pair_that_was_never_shown_is_said_to_be_one() -> None:
    unseen = sent(opened(PAGE), "forms")["unseen"]
    assert sorted(unseen) == sorted(pictures.written([pictures.Shape(0, *pair)])[:2] for pair in pictures.HELD_OUT)


def test_soft_and_hard_attention_stand_side_by_side_with_what_was_measured_of_them() -> None:
    test = opened(PAGE, beyond="Look")
    shown = sent(test, "panels")
    assert shown["columns"] == 2 and [one["id"] for one in shown["panels"]][:2] == ["soft", "hard"]
    hard = Looking.load(kept.file(looking.HARD)).meta
    said = " ".join(one.value for one in test.caption)
    for meta in (looking.model().meta, hard):
        for name in ("exact_held_out", "on_named_held_out"):
            assert f"{100 * meta['metrics'][name]:.1f}\u202f%" in said
    assert "100\u202f%" not in said
