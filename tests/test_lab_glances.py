"""Hard attention as it is learned: one look at a time, drawn by its share, and REINFORCE with a moving baseline."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lab.learning.speaking import Glances, glanced
from lab.recipes import recipe
from lstm_core.ops import NUMPY, TorchOps


def test_a_look_is_drawn_by_its_share_in_half_of_the_pictures() -> None:
    torch.manual_seed(0)
    alpha = torch.tensor([0.7, 0.2, 0.1])[:, None, None].repeat(1, 4000, 1)
    glances = Glances(4000)
    seen = glances(alpha)
    drawn = glances.drawn[0, :, 0]
    assert 0.45 < float(drawn.float().mean()) < 0.55
    assert torch.equal(seen[:, ~drawn], alpha[:, ~drawn])
    ones = seen[:, drawn, 0]
    assert set(ones.flatten().tolist()) == {0.0, 1.0} and (ones.sum(0) == 1).all()
    np.testing.assert_allclose(ones.mean(1), [0.7, 0.2, 0.1], atol=0.03)
    picked = ones.argmax(0)
    np.testing.assert_allclose(glances.logs[0][drawn], alpha[picked, 0, 0].log(), atol=1e-6)
    assert not glances.logs[0][~drawn].any()
    assert float(glances.entropies[0][0]) == pytest.approx(-sum(p * np.log(p) for p in (0.7, 0.2, 0.1)))


def test_the_gradient_of_the_looks_is_that_of_the_expected_surprise() -> None:
    """Two places, one word each: the mean of the estimates is the derivative of the expectation, worked out by hand,
    whatever the baseline."""
    torch.manual_seed(1)
    score, count = torch.tensor([0.3, -0.2], requires_grad=True), 40_000
    words = torch.tensor([[2.0, 0.0], [-1.0, 1.0]])  # scores of two words, by place
    glances = Glances(count)
    glances.drawn[:] = True
    seen = glances(score.softmax(0)[:, None, None].repeat(1, count, 1))
    scores = (seen * words[:, None]).sum(0)[None].detach()
    baseline = torch.tensor([-0.4])
    glanced(scores, torch.zeros(1, count, dtype=torch.long), glances, baseline, 0.0).backward()
    share, log = score.detach().softmax(0), words.log_softmax(1)[:, 0]
    mean = (share * log).sum()
    assert score.grad is not None
    np.testing.assert_allclose(score.grad, -share * (log - mean), atol=0.01)
    assert float(baseline) == pytest.approx(-0.4 + 0.1 * (float(mean) + 0.4), abs=0.01)


def test_what_is_not_said_counts_nothing() -> None:
    torch.manual_seed(2)
    alpha = torch.rand(3, 5, 1).softmax(0)
    glances, baseline = Glances(5), torch.zeros(2)
    scores, target = torch.randn(2, 5, 4), torch.randint(0, 4, (2, 5))
    for _ in range(2):
        glances(alpha)
    target[1] = -100
    first = glanced(scores, target, glances, baseline, 0.1)
    scores[1] += 100 * torch.randn(5, 4)
    again = glanced(scores, target, glances, torch.zeros(2), 0.1)
    assert torch.equal(first, again) and baseline[1] == 0


def test_the_likeliest_place_is_one_and_the_same_in_both_back_ends() -> None:
    shares = np.random.default_rng(0).random((6, 4, 1)).astype(np.float32)
    found = NUMPY.likeliest_place(shares)
    np.testing.assert_array_equal(found.sum(0), 1)
    np.testing.assert_array_equal(found.argmax(0), shares.argmax(0))
    np.testing.assert_array_equal(TorchOps().likeliest_place(torch.from_numpy(shares)).numpy(), found)


def test_a_few_steps_of_the_recipe_go_on_from_where_they_stopped(tmp_path) -> None:
    chosen = recipe("captions_hard-lstm")
    model, progress = chosen.learn({"seed": 0, "steps": 2}, lambda batches, first: batches, "cpu", None)
    assert progress.step == 2 and model.speaker.hard
    model.save(tmp_path / "x.safetensors", "float16")
    again = chosen.load(tmp_path / "x.safetensors")
    assert again.speaker.hard and not again.speaker.everywhere().hard
    [said] = again.look(np.full((1, 64, 64, 3), 0.97))
    assert set(said.alpha.flatten().tolist()) == {0.0, 1.0} and (said.alpha.sum(1) == 1).all()
