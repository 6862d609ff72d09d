"""A network that looks at pictures: its parts against torch and the paper, and what its file claims."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

from lab.measures.looking import looked
from lstm_core import analysis
from lstm_core.beyond import attending, kept, pictures
from lstm_core.beyond.attending import END
from lstm_core.beyond.looking import Looking, convolved
from lstm_core.beyond.pictures import COLORS, FORMS, HELD_OUT, Shape

FRESH = 7
"""A seed that neither the training nor the header's figures have seen."""


@pytest.fixture(scope="module")
def model() -> Looking:
    return Looking.load(kept.file("captions-lstm"))


@pytest.fixture(scope="module")
def hard() -> Looking:
    return Looking.load(kept.file("captions_hard-lstm"))


# ---- the pictures


def test_a_picture_shows_each_shape_in_its_place_and_colour() -> None:
    [image] = pictures.drawn([[Shape(0, "red", "square"), Shape(6, "blue", "circle"), Shape(15, "black", "ring")]])
    assert image.shape == (64, 64, 3)
    np.testing.assert_allclose(image[8, 8], COLORS["red"], atol=1e-6)
    np.testing.assert_allclose(image[24, 40], COLORS["blue"], atol=1e-6)  # row 1, column 2
    assert (image[55:57, 55:57] > 0.9).all(), "a ring is open in the middle"
    assert (image[55:57, 51] < 0.2).all()
    empty = np.ones((4, 4), bool)
    empty[[0, 1, 3], [0, 2, 3]] = False
    blank = image.reshape(4, 16, 4, 16, 3).min(axis=(1, 3, 4)) > 0.9
    assert (blank == empty).all()


def test_no_two_forms_and_no_two_colours_look_alike() -> None:
    images = pictures.drawn([[Shape(5, "black", form)] for form in FORMS])
    for a in range(len(FORMS)):
        for b in range(a):
            assert (np.abs(images[a] - images[b]).max(-1) > 0.3).sum() >= 12, (FORMS[a], FORMS[b])
    colors = np.array(list(COLORS.values()))
    apart = np.abs(colors[:, None] - colors[None]).max(-1)
    assert (apart + np.eye(len(colors)) > 0.2).all()


def test_the_sentence_names_the_shapes_as_one_reads() -> None:
    shapes = [Shape(9, "green", "cross"), Shape(2, "red", "ring"), Shape(0, "pink", "frame")]
    assert " ".join(pictures.sentence(shapes)) == "a pink frame left of a red ring above a green cross"
    named = pictures.named(shapes)
    assert [(w, at) for w, at in zip(pictures.sentence(shapes), named, strict=True) if at is not None] == [
        *(("pink", 0), ("frame", 0), ("red", 2), ("ring", 2), ("green", 9), ("cross", 9)),
    ]


def test_a_picture_goes_into_an_address_and_back() -> None:
    for shapes in pictures.random(np.random.default_rng(1), 50, None, least=1):
        assert pictures.read(pictures.written(shapes)) == shapes
    assert pictures.read("") == []


@pytest.mark.parametrize("text", ["r", "rc", "zz1", "rc16", "rc1--bs2", "rc0-bs1-gt2-yx3-po4", "rc1;", "rc٣"])
def test_another_text_is_not_a_picture(text: str) -> None:
    with pytest.raises(ValueError, match="picture"):
        pictures.read(text)


def test_what_is_held_out_is_in_no_picture_of_the_training() -> None:
    draw = np.random.default_rng(3)
    usual, new = pictures.random(draw, 3000, False, least=1), pictures.random(draw, 300, True)
    pairs = {(one.color, one.form) for shapes in usual for one in shapes}
    assert not pairs & set(HELD_OUT) and len(pairs) == len(COLORS) * len(FORMS) - len(HELD_OUT)
    assert all(any((one.color, one.form) in HELD_OUT for one in shapes) for shapes in new)
    assert {form for _, form in HELD_OUT} == set(FORMS) and {color for color, _ in HELD_OUT} == set(COLORS)


# ---- the network, beside torch


def test_the_convolution_is_torchs() -> None:
    draw = np.random.default_rng(0)
    x = draw.random((3, 10, 12, 5), np.float32)
    weight, bias = draw.standard_normal((7, 5, 3, 3), np.float32), draw.standard_normal(7, np.float32)
    seen = functional.conv2d(
        torch.from_numpy(x).permute(0, 3, 1, 2), torch.from_numpy(weight), torch.from_numpy(bias), stride=2, padding=1
    )
    np.testing.assert_allclose(convolved(x, weight, bias), seen.relu().permute(0, 2, 3, 1).numpy(), atol=1e-5)


@pytest.mark.parametrize("attention", ["model", "hard"])
def test_every_step_is_the_papers(attention: str, request: pytest.FixtureRequest) -> None:
    """Equations 4, 5, 13, 1 to 3 and 7 of Xu et al., written anew with torch's own LSTM cell; hard attention reads the
    likeliest place alone."""
    model: Looking = request.getfixturevalue(attention)
    shapes = pictures.read("rc5-bs6-yt12")
    [said] = model.look(pictures.drawn([shapes]))
    s = model.speaker
    p = {name: {k: torch.from_numpy(v) for k, v in part.items()} for name, part in s.groups().items()}
    a = torch.from_numpy(model.annotations(pictures.drawn([shapes]))[:, 0])
    cell = torch.nn.LSTMCell(s.embedding.shape[1] + a.shape[1], len(p["params"]["b_f"]))
    with torch.no_grad():
        for side, letter in (("ih", "W"), ("hh", "U")):
            getattr(cell, f"weight_{side}").copy_(torch.cat([p["params"][f"{letter}_{k}"] for k in "ifgo"]))
        cell.bias_ih.copy_(torch.cat([p["params"][f"b_{k}"] for k in "ifgo"]))
        cell.bias_hh.zero_()
        h, c = (torch.tanh(p["begin"][f"W_{k}"] @ a.mean(0) + p["begin"][f"b_{k}"]) for k in "hc")
        word = s.words.index(attending.START)
        for t, spoken in enumerate(said.words):
            look, out, y = p["attention"], p["out"], torch.from_numpy(s.embedding[word])
            e = torch.tanh(a @ look["W_a"].T + look["U_a"] @ h + look["b_a"]) @ look["v"][0]
            alpha = e.softmax(0)
            if attention == "hard":
                alpha = functional.one_hot(alpha.argmax(), len(alpha)).float()
            z = alpha @ a
            h, c = cell(torch.cat([y, z]), (h, c))
            chances = (out["L_o"] @ (y + out["L_h"] @ h + out["L_z"] @ z) + out["b_o"]).softmax(0)
            np.testing.assert_allclose(said.alpha[t], alpha, atol=1e-5)
            np.testing.assert_allclose(said.trace.signals["c"][0, 0, t, 0], c, atol=1e-4)
            np.testing.assert_allclose(said.chances[t], chances, atol=1e-4)
            word = int(chances.argmax())
            assert s.words[word] == spoken
    assert said.words[-1] == END and said.sentence == pictures.sentence(shapes)


def test_its_trace_is_one_like_any_other(model: Looking) -> None:
    [said] = model.look(pictures.drawn([pictures.read("gc0-ps10")]))
    trace = said.trace
    lstm = torch.nn.LSTM(trace.inputs.shape[-1], trace.hidden_size)
    with torch.no_grad():
        lstm.weight_ih_l0.copy_(torch.from_numpy(np.concatenate([trace.layers[0][0][f"W_{k}"] for k in "ifgo"])))
        lstm.weight_hh_l0.copy_(torch.from_numpy(np.concatenate([trace.layers[0][0][f"U_{k}"] for k in "ifgo"])))
        lstm.bias_ih_l0.copy_(torch.from_numpy(np.concatenate([trace.layers[0][0][f"b_{k}"] for k in "ifgo"])))
        lstm.bias_hh_l0.zero_()
        first = tuple(torch.from_numpy(trace.initial[k][0]) for k in "hc")
        output, _ = lstm(torch.from_numpy(trace.inputs), first)
    np.testing.assert_allclose(trace.signals["h"][0, 0], output, atol=1e-5)
    assert analysis.memory(trace, len(trace) - 1).residual < 1e-5
    forced = analysis.intervene(trace, ["f@3:4=0"])
    assert np.abs(forced.difference["c"][0, 0, 3]).max() > 0.1 and not forced.difference["c"][0, 0, :3].any()
    error = np.eye(trace.hidden_size, dtype=np.float32)[0]
    x, last = torch.from_numpy(trace.inputs).requires_grad_(), len(trace) - 1
    lstm(x, first)[0][last, 0, 0].backward()
    assert x.grad is not None
    found = analysis.gradients(trace, last, error)
    np.testing.assert_allclose(found.inputs[: last + 1], x.grad[:, 0], atol=1e-5)
    assert [token.text for token in trace.tokens] == said.words


# ---- what its file claims


@pytest.mark.parametrize("attention", ["model", "hard"])
def test_it_says_what_it_never_saw_together_and_looks_at_it(attention: str, request: pytest.FixtureRequest) -> None:
    model: Looking = request.getfixturevalue(attention)
    found = looked(model, FRESH, 200, True)
    header = model.meta["metrics"]
    assert abs(found["exact"] - header["exact_held_out"]) < 0.05
    exact, on_named = (0.9, 0.98) if attention == "hard" else (0.92, 0.7)
    assert found["exact"] >= exact and found["on_named"] > on_named
    untrained = looked(model.untrained(), FRESH, 50, True)
    assert untrained["exact"] == 0 and untrained["on_named"] < 0.2


def test_its_header_says_how_it_came_to_be(model: Looking) -> None:
    assert {"seed", "steps", "seconds", "machine", "honesty", "metrics", "seeds"} <= model.meta.keys()
    assert all(run["passes"] for run in model.meta["seeds"]) and len(model.meta["seeds"]) >= 3
    assert kept.file("captions-lstm").stat().st_size < 2_000_000


def test_a_picture_of_another_size_is_refused(model: Looking) -> None:
    with pytest.raises(ValueError, match="64"):
        model.look(np.zeros((1, 32, 32, 3)))


def test_another_file_is_refused(tmp_path) -> None:
    other = tmp_path / "x.safetensors"
    other.write_bytes(b"not a model")
    with pytest.raises(ValueError, match="x.safetensors"):
        Looking.load(other)
    with pytest.raises(ValueError, match="there is no model"):
        kept.file("nobody")
