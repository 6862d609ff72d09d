"""The memory is a weighted sum of what each word wrote."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from lab.experiments.base import (
    CHECK_SEED,
    PRICED,
    Checked,
    Drawing,
    Experiment,
    Figure,
    Measurement,
    Progress,
    Series,
    Target,
    Try,
    silent,
    watch,
)
from lab.experiments.texts import for_model, shipped
from lstm_core.analysis import memory
from lstm_core.analysis.steps import steps
from lstm_core.equations import carry
from lstm_core.network import Network
from lstm_core.say import say
from lstm_core.trace import Trace

SEEDS = (0, 1, 2, 3, 4)
WORDS = 300


def worst(trace: Trace) -> float:
    """The largest residual over the layers and some steps of a trace, the last one among them."""
    layers = range(len(trace.layers))
    return max(memory(trace, step, layer=layer).residual for layer in layers for step in _some(trace))


def over_rounding(trace: Trace) -> float:
    """The largest residual of a unit over what rounding can make of it, over the same layers and steps.

    A step rounds k c' once, w n twice (w may be 1 - z, a rounded number as well) and their sum once, and goes on with
    what the steps before it left: B = k B' + u (|k c'| + 2 |w n| + |c|), u being half the distance from 1 to the next
    number (Higham 2002, chapter 2). A residual above B is no rounding.
    """
    found = 0.0
    for layer in range(len(trace.layers)):
        run = steps(trace, layer)
        rule, keep, written = run.keep_write()
        c, old = run.signals[rule.state], run.old[rule.state]
        half = float(np.finfo(trace.signals[rule.state].dtype).eps) / 2
        fresh = half * (np.abs(keep * old) + 2 * np.abs(written) + np.abs(c)).astype(np.float64)
        bound, bounds = np.zeros(c.shape[1:]), []
        for kept, new in zip(np.abs(keep), fresh, strict=True):
            bound = kept * bound + new
            bounds.append(bound)
        for step in _some(trace):
            one = memory(trace, step, layer=layer)
            residual = np.abs(one.contributions.sum(axis=0) + one.initial - one.value)
            over = np.divide(residual, bounds[step], out=np.zeros_like(residual), where=residual > 0)
            found = max(found, float(over.max()))
    return found


def _some(trace: Trace) -> list[int]:
    return [len(trace) // 4, len(trace) // 2, len(trace) - 1]


def without_keeping(trace: Trace) -> float:
    """The residual of the same sum if every keep gate is left out: what was written, added up."""
    rule = carry(trace.cell)
    assert rule is not None
    written = rule.evaluate("write", trace.signals) * trace.signals[rule.candidate]
    total = written[-1, 0, :, 0].sum(axis=0)
    return float(np.abs(total - trace.signals[rule.state][-1, 0, -1, 0]).max())


def largest(trace: Trace) -> float:
    """The largest value that the memory takes."""
    rule = carry(trace.cell)
    assert rule is not None
    return float(np.abs(trace.signals[rule.state]).max())


def digits(difference: float) -> int:
    """Decimal digits to which what differs by this share agrees."""
    return int(-np.log10(max(difference, 1e-16)))


def in_64_bits(model: Network) -> Network:
    """The same network, run in numbers of double precision."""
    layers = [[{k: v.astype(np.float64) for k, v in p.items()} for p in row] for row in model.layers]
    reader = model.reader and replace(model.reader, embedding=model.embedding.astype(np.float64))
    return replace(model, block=replace(model.block, layers=layers), reader=reader)


def linear() -> dict[str, Network]:
    """Every shipped model whose memory goes on linearly; the plain RNN rewrites it."""
    return {name: model for name, model in shipped("").items() if carry(model.cell) is not None}


class WeightedSum(Experiment):
    name = "weighted-sum"
    title = "Memory is a weighted sum"
    claim = "What a cell remembers is exactly a sum over the words read, each weighted by the gates since."
    source = "Levy et al. 2018"
    models = ("pronouns-lstm", "pronouns-gru", "general-lstm", "general-gru")
    targets = (
        Target(
            "rounding",
            "largest difference over what rounding can make of it, all models, units and texts",
            1.0,
            at_least=False,
            over="most",
            built_in=True,
        ),
        Target(
            "relative_64",
            "in 64 bits, largest difference beside the largest memory of the text",
            1e-12,
            at_least=False,
            over="most",
            built_in=True,
        ),
        Target("without_keep_gates", "the sum without the keep gates: least difference of a model", 0.01,
               over="least", built_in=True),
    )
    shaped = PRICED
    look = (
        "The traced memory minus the sum over the words, at its largest: it is the rounding of the numbers, and falls "
        "with it from 32 to 64 bits. The third bars are the same sum with the forget gates left out. The identity is "
        "one of the equations and holds for a network with random weights too; what training adds is which words get "
        "the weight."
    )
    disproof = "One unit of one model at one step whose memory differs from the sum by more than rounding."
    tries = (
        Try("Mary went to the market because she was hungry.", "pronouns-lstm", "pronouns-gru",
            "On the page Memory the bars of one step add up to the traced value; the residual stands below them."),
    )  # fmt: skip
    minutes = 0.5
    words = {
        "residual": say("largest difference in 32 bits, all models, units and texts"),
        "residual_64": say("largest difference in 64 bits, all models, units and texts"),
    }
    order = 80

    def measure(self, progress: Progress = silent) -> Measurement:
        by_model: dict[str, list[float]] = {}
        double: dict[str, list[float]] = {}
        over: dict[str, list[float]] = {}
        relative: dict[str, list[float]] = {}
        relative_64: dict[str, list[float]] = {}
        held = 0.0
        control: dict[str, list[float]] = {}
        blank: list[float] = []
        for name, model in watch(list(linear().items()), progress, say("models")):
            traces = [model.run(for_model(model, seed, WORDS), device="cpu") for seed in SEEDS]
            by_model[name] = [worst(trace) for trace in traces]
            over[name] = [over_rounding(trace) for trace in traces]
            double[name] = [worst(in_64_bits(model).run(trace.tokens, device="cpu")) for trace in traces]
            sizes = [max(1.0, largest(trace)) for trace in traces]
            relative[name] = [value / size for value, size in zip(by_model[name], sizes, strict=True)]
            relative_64[name] = [value / size for value, size in zip(double[name], sizes, strict=True)]
            held = max(held, *sizes)
            control[name] = [without_keeping(trace) for trace in traces]
            text = traces[0].tokens
            blank.append(max(worst(model.untrained(seed).run(text, device="cpu")) for seed in SEEDS))
        over_models, rounding, over_double, over_relative, over_relative_64 = (
            tuple(max(values) for values in zip(*each.values(), strict=True))
            for each in (by_model, over, double, relative, relative_64)
        )
        left_out = tuple(min(values) for values in zip(*control.values(), strict=True))
        figures = {
            "residual": Figure(over_models, max(over_models), tuple(blank)),
            "rounding": Figure(rounding, max(rounding)),
            "residual_64": Figure(over_double, max(over_double)),
            "relative": Figure(over_relative, max(over_relative)),
            "relative_64": Figure(over_relative_64, max(over_relative_64)),
            "without_keep_gates": Figure(left_out),
        }
        notes = (
            f"{len(by_model)} shipped models, texts of {WORDS} words or more; the plain RNN has no such sum. "
            f"The largest memory among them is {held:.0f}: 32-bit numbers of that size lie "
            f"{np.spacing(np.float32(held)):.1g} apart.",
        )
        return Measurement(SEEDS, figures, {"residual": by_model, "double": double, "without": control}, notes, "texts")

    def short(self, results: Measurement) -> str:
        single, double = (results.figures[key].value("most") or 0.0 for key in ("relative", "relative_64"))
        return say(
            "The sum is exact but for rounding: measured by the largest memory of a text, it agrees to {single} digits "
            "in 32 bits and to {double} in 64.",
            single=digits(single),
            double=digits(double),
        )

    def remeasure(self) -> Mapping[str, float]:
        found = {"residual": 0.0, "residual_64": 0.0, "rounding": 0.0}
        for model in linear().values():
            tokens = model.tokenizer.encode(for_model(model, CHECK_SEED, 60))
            for key, one in (("residual", model), ("residual_64", in_64_bits(model))):
                trace = one.run(tokens, device="cpu")
                found[key] = max(found[key], worst(trace))
                if key == "residual":
                    found["rounding"] = max(found["rounding"], over_rounding(trace))
        return found

    def check(self, results: Measurement) -> list[Checked]:
        """A residual is rounding: on another text, or with another model, it stays of that order."""
        return [replace(row, ok=row.was is not None and row.now <= 10 * row.was) for row in super().check(results)]

    def draw(self, results: Measurement) -> Sequence[Drawing]:
        names = list(results.data["residual"])

        def bars(key: str, name: str, color: str) -> Series:
            rows = [results.data[key][model] for model in names]
            return Series(name, names, list(map(max, rows)), list(map(min, rows)), list(map(max, rows)), color)

        three = [
            bars("residual", say("{count} bits", count=32), ""),
            bars("double", say("{count} bits", count=64), ""),
            bars("without", say("without the keep gates"), "untrained"),
        ]
        title = say("Traced memory minus the sum over words")
        return [Drawing("bars", title, "", say("largest difference"), three, log_y=True)]


EXPERIMENT = WeightedSum()
