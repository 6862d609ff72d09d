"""The equations on the page Beyond are those of the code that runs, in the letters of the papers."""

from __future__ import annotations

import pytest

from lstm_core.beyond import attending, drawing, imagining
from lstm_core.beyond.writing import Recurrent, parameter, written
from lstm_core.cells import CELLS
from lstm_core.symbols import SymbolicOps, Symbols, symbol

H_DEC = r"h^{\mathrm{dec}}_{t-1}"


def test_soft_attention() -> None:
    """Xu et al.'s equations 4, 5, 13 and 7, and what the states begin with."""
    lines = attending.latex(CELLS["lstm"])
    assert lines[:2] == [
        rf"{s}_{{0}} = \tanh\left(W_{{{s}}}\, \tfrac{{1}}{{L}} \textstyle\sum_{{i}} a_{{i}} + b_{{{s}}}\right)"
        for s in "ch"
    ]
    assert lines[2:] == [
        r"e_{t,i} = v^{\top}\, \tanh\left(W_{a}\, a_{i} + U_{a}\, h_{t-1} + b_{a}\right)",
        r"\alpha_{t,i} = \operatorname{softmax}_{i}\left(e_{t,i}\right)",
        r"z_{t} = \sum_{i} \alpha_{t,i}\, a_{i}",
        r"x_{t} = \left[y_{t-1},\; z_{t}\right]",
        r"h_{t} = \mathrm{LSTM}\left(x_{t},\; h_{t-1}\right)",
        r"\operatorname{score}_{t} = L_{o}\, \left(y_{t-1} + L_{h}\, h_{t} + L_{z}\, z_{t}\right) + b_{o}",
    ]


def test_hard_attention_reads_one_place() -> None:
    lines = attending.latex(CELLS["lstm"], hard=True)
    assert r"s_{t,i} = \left[ i = \arg\max_{j} \alpha_{t,j} \right]" in lines
    assert r"z_{t} = \sum_{i} s_{t,i}\, a_{i}" in lines


def test_draw() -> None:
    """Gregor et al.'s equations 3 to 8, 11 and 21 to 29."""
    go, patch = drawing.latex()
    x, wrong = (
        rf"\operatorname{{vec}}\left(\gamma\, F_{{Y}}\, {p}\, F_{{X}}^{{\top}}\right)" for p in ("x", r"\hat{x}_{t}")
    )
    assert go == [
        r"\hat{x}_{t} = x - \sigma\left(c_{t-1}\right)",
        rf"r_{{t}} = \left[{x},\; {wrong},\; {H_DEC}\right]",
        r"h^{\mathrm{enc}}_{t} = \mathrm{LSTM}^{\mathrm{enc}}\left(r_{t},\; h^{\mathrm{enc}}_{t-1}\right)",
        r"\mu_{t} = W_{\mathrm{mean}}\, h^{\mathrm{enc}}_{t} + b_{\mathrm{mean}}",
        r"\log \sigma_{t} = W_{\mathrm{spread}}\, h^{\mathrm{enc}}_{t} + b_{\mathrm{spread}}",
        r"z_{t} = \mu_{t} + \exp\left(\log \sigma_{t}\right) \odot \varepsilon_{t}",
        r"\mathrm{KL}_{t} = \frac{\mu_{t}^{2} + \exp\left(2\, \log \sigma_{t}\right) - 1}{2} - \log \sigma_{t}",
        rf"h^{{\mathrm{{dec}}}}_{{t}} = \mathrm{{LSTM}}^{{\mathrm{{dec}}}}\left(z_{{t}},\; {H_DEC}\right)",
        r"w_{t} = \operatorname{square}\left(W_{w}\, h^{\mathrm{dec}}_{t} + b_{w}\right)",
        r"c_{t} = c_{t-1} + \frac{\hat{F}_{Y}^{\top}\, w_{t}\, \hat{F}_{X}}{\hat{\gamma}}",
    ]
    assert rf" = W_{{\mathrm{{read}}}}\, {H_DEC} + b_{{\mathrm{{read}}}}" in patch[0]
    assert patch[1] == r"g_{X} = \frac{A + 1}{2}\, \left(\tilde{g}_{X} + 1\right) - 1"
    assert patch[3] == r"\delta = \frac{A - 1}{N - 1}\, \exp\left(\log \tilde{\delta}\right)"
    assert patch[7] == r"F_{X}[i, a] = \frac{E_{X}[i, a]}{\textstyle\sum_{a} E_{X}[i, a] + 10^{-6}}"
    made, patch = drawing.latex(copies=False)
    assert made[0] == r"z_{t} = \varepsilon_{t}" and len(made) == 4 and r"W_{\mathrm{write}}" in patch[0]


@pytest.mark.parametrize("kind", ["vrnn", "storn", "plain"])
def test_networks_that_imagine(kind: imagining.Kind) -> None:
    """Chung et al.'s equations 5, 6, 7 and 9; in Bayer and Osendorfer's network z_t is read beside x_{t-1}."""
    read, made = imagining.latex(kind), imagining.latex(kind, reads=False)
    out = {"vrnn": r"\left[z_{t},\; h_{t-1}\right]", "storn": "h_{t}", "plain": "h_{t-1}"}[kind]
    goes = {"vrnn": r"\left[x_{t},\; z_{t}\right]", "storn": r"\left[x_{t-1},\; z_{t}\right]", "plain": "x_{t}"}[kind]
    sees = {"vrnn": r"\left[x_{t},\; h_{t-1}\right]", "storn": "r_{t}"}.get(kind)
    for lines in (read, made):
        assert rf"s^{{x}}_{{t}} = \tanh\left(W^{{\mathrm{{out}}}}\, {out} + b^{{\mathrm{{out}}}}\right)" in lines
        assert rf"h_{{t}} = \mathrm{{LSTM}}\left({goes},\; h_{{t-1}}\right)" in lines
    assert r"x_{t} = \mu^{x}_{t} + \exp\left(\log \sigma^{x}_{t}\right) \odot \eta_{t}" in made
    if kind == "plain":
        assert not any("z_{t}" in line for line in read)
        return
    assert rf"s_{{t}} = \tanh\left(W^{{\mathrm{{post}}}}\, {sees} + b^{{\mathrm{{post}}}}\right)" in read
    assert r"z_{t} = \mu_{t} + \exp\left(\log \sigma_{t}\right) \odot \varepsilon_{t}" in read
    assert r"z_{t} = \mu^{0}_{t} + \exp\left(\log \sigma^{0}_{t}\right) \odot \varepsilon_{t}" in made
    assert (r"\mu^{0}_{t} = 0" in read) == (kind == "storn")
    assert any(line.startswith(r"\mathrm{KL}_{t} = ") for line in read) and not any("KL" in line for line in made)


def test_what_is_written_follows_the_code() -> None:
    """Another step, written anew: a change of the code changes its line."""

    def step(p, x, network, xp):
        gate = xp.sigmoid(p.W_g @ x + p.b)
        return {"gate": gate, "h": network(gate * gate), "y": 2 * gate - network.h / 1e-3}

    p, letters = Symbols("part"), {"gate": "g", "h": "h_{t}", "y": "y", "net.h": "h_{t-1}", "x": "x"}
    lines = written(step(p, symbol("x"), Recurrent("net"), SymbolicOps()), letters, {"net": r"N\left({0}, {1}\right)"})
    assert lines[0] == r"g = \sigma\left(W^{\mathrm{part}}_{g}\, x + b^{\mathrm{part}}\right)"
    assert lines[1:] == [r"h_{t} = N\left(g^{2}, h_{t-1}\right)", r"y = 2\, g - \frac{h_{t}}{0.001}"]
    assert parameter("p.W_a") == "W_{a}" and parameter("prior.W_mean") == r"W^{\mathrm{prior}}_{\mathrm{mean}}"
