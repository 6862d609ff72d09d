"""Soft attention as scalar loops, from the papers; like ``oracles``, it imports nothing of ours."""

from __future__ import annotations

import math

Vector = list[float]


def attention(W_a: list[Vector], states: list[Vector]) -> tuple[list[Vector], list[Vector]]:
    """(alpha, context) after every step, from the states up to it.

    Luong et al. 2015, equation 8: score(h_t, h_s) = h_t^T W_a h_s ("general"). Xu et al. 2015, equation 5:
    alpha_ti = exp(e_ti) / sum_k exp(e_tk), and 13: z_t = sum_i alpha_ti a_i. Weights of words not read yet are 0.
    """
    units = range(len(W_a))
    weights, contexts = [], []
    for t in range(len(states)):
        scores = [
            math.fsum(states[t][i] * W_a[i][j] * states[s][j] for i in units for j in units) for s in range(t + 1)
        ]
        powers = [math.exp(score) for score in scores]
        alpha = [power / math.fsum(powers) for power in powers]
        weights.append(alpha + [0.0] * (len(states) - t - 1))
        contexts.append([math.fsum(alpha[s] * states[s][j] for s in range(t + 1)) for j in units])
    return weights, contexts
