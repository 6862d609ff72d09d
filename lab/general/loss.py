"""The cross-entropy of a tied readout, a few hundred places at a time.

The scores of 8,960 places for 8,192 pieces are 290 MB, and most of the time of a plain cross-entropy on a CPU goes into
moving them. Here each part of them stays in the cache: its gradient is taken while it is there.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from lab.general.precision import products

PLACES = 512


class _TiedLoss(Function):
    @staticmethod
    def forward(ctx: Any, read: Tensor, pieces: Tensor, bias: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
        kind = products(read.device)
        low, into = read.to(kind), pieces.to(kind)
        into_scores, in_scores = into.T.contiguous(), bias.to(kind)
        d_read, d_pieces, d_bias = torch.empty_like(read), torch.zeros_like(pieces), torch.zeros_like(bias)
        loss = read.new_zeros(())
        size = PLACES if read.device.type == "cpu" else len(read)
        for start in range(0, len(read), size):
            part = slice(start, start + size)
            target, weight = targets[part], weights[part]
            scores = torch.addmm(in_scores, low[part], into_scores)
            most = scores.amax(-1, keepdim=True)
            said = scores.gather(1, target[:, None]) - most
            chances = scores.sub_(most).exp_()
            total = chances.sum(-1, dtype=torch.float32)
            loss += (weight * (total.log() - said[:, 0].float())).sum()
            # The slope is weight * (chances / total - 1 at the target); the rows are scaled where they are short.
            scale = (weight / total)[:, None]
            d_read[part] = scale * (chances @ into).float() - weight[:, None] * pieces[target]
            d_pieces += (chances.T @ (scale * read[part]).to(kind)).float()
            d_pieces.index_add_(0, target, -weight[:, None] * read[part])
            d_bias += (scale.to(kind).T @ chances)[0].float()
            d_bias.index_add_(0, target, -weight)
        ctx.save_for_backward(d_read, d_pieces, d_bias)
        return loss

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        d_read, d_pieces, d_bias = ctx.saved_tensors
        return grad * d_read, grad * d_pieces, grad * d_bias, None, None


def tied_loss(read: Tensor, pieces: Tensor, bias: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    """The weighted sum of -log p(target), in nats, with p = softmax(read . pieces^T + bias); products in the
    numbers of ``precision.products``.

    read: (places, embedding). pieces: (vocabulary, embedding). bias: (vocabulary,). targets: (places,) ids.
    weights: (places,), without a gradient.
    """
    return _TiedLoss.apply(read, pieces, bias, targets, weights)  # type: ignore[return-value]


def sampled_loss(read: Tensor, pieces: Tensor, bias: Tensor, targets: Tensor, weights: Tensor, rest: int) -> Tensor:
    """``tied_loss`` against all that any place expects and ``rest`` of the other pieces, drawn anew each time, each of
    which stands for several: the sum over all pieces is right in the mean, and most of it, that over the frequent
    ones, is exact (Jean et al. 2015, with the targets of a batch for its frequent words)."""
    found, among = targets.unique(return_inverse=True)
    others = torch.ones(len(bias), dtype=torch.bool, device=bias.device).index_fill_(0, found, False).nonzero()[:, 0]
    drawn = others[torch.randperm(len(others), device=bias.device)[:rest]]
    ids = torch.cat([found, drawn])
    stands_for = torch.ones_like(ids, dtype=bias.dtype)
    stands_for[len(found) :] = len(others) / max(1, len(drawn))
    return tied_loss(read, pieces[ids], bias[ids] + stands_for.log(), among, weights)
