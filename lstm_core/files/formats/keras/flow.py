"""What reads what in a model: its layers are run in order on notes of where a tensor comes from, not on numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from lstm_core.files.formats.keras.graph import Graph, Tensor, tensors
from lstm_core.files.formats.keras.recurrent import Recurrent
from lstm_core.files.formats.keras.tree import Node, number

UNCHANGED = (
    *("InputLayer", "Masking", "Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D", "AlphaDropout"),
    *("GaussianDropout", "GaussianNoise", "ActivityRegularization", "Identity"),
)
"""Layers that hand on what they read, when the network is not trained."""

KEEP_A_MASK = (
    *("Activation", "BatchNormalization", "Dense", "ELU", "GroupNormalization", "LayerNormalization", "LeakyReLU"),
    *("Normalization", "PReLU", "ReLU", "Rescaling", "Softmax", "ThresholdedReLU", "TimeDistributed"),
    *("UnitNormalization", "Add", "Average", "Concatenate", "Dot", "Maximum", "Minimum", "Multiply", "Subtract"),
    *("MultiHeadAttention", "Attention", "AdditiveAttention"),
)
"""Layers that change what they read, and hand on which steps are to be skipped."""

MOST_STEPS = 200_000  # a model in a model can be called twice, and the next in that as well


@dataclass(frozen=True)
class Mask:
    """Which steps are skipped. value: those whose inputs are all this number; zero: those whose id is 0 in the
    embedding; elsewhere: neither can be seen in what the layer reads, and this names what masks."""

    value: float | None = None
    zero: bool = False
    elsewhere: str = ""


@dataclass(frozen=True)
class Flow:
    """A tensor. source: the layer that made it, recurrent or an embedding; None for the network's input. through: the
    layers since then that changed it, the last first. known: False for what is not known to come from anywhere.

    entry: the input's name, if it is not the network's first. mask: what is skipped of it. compared: it is the outcome
    of a comparison, as the masks are that Keras makes. shows: the recurrent layer whose h it is, but for functions of
    each number. dense: the Dense layer that made it, but for such functions.
    """

    source: Node | None = None
    through: tuple[str, object] | None = None
    known: bool = True
    entry: str = ""
    mask: Mask | None = None
    compared: bool = False
    shows: Node | None = None
    dense: Node | None = None

    def then(self, label: str) -> Flow:
        """What a layer of that label makes of it."""
        return replace(self, through=(label, self.through), mask=None, compared=False, shows=None, dense=None)

    @property
    def changes(self) -> tuple[str, ...]:
        """The labels of ``through``, the first first."""
        labels: list[str] = []
        at: object = self.through
        while isinstance(at, tuple):
            labels.append(at[0])
            at = at[1]
        return tuple(reversed(labels))


UNKNOWN = Flow(known=False)


@dataclass(frozen=True)
class Reading:
    """How a recurrent layer is called first: what it reads, the layers whose output it starts from, what it skips. at:
    which call of the model that this is; again: there are others."""

    flow: Flow
    starts: tuple[str, ...]
    mask: Mask | None
    at: int = 0
    again: bool = False


@dataclass(frozen=True)
class Call:
    """What a layer is given: inputs and, for a recurrent layer, first states and a mask. at: which of its calls. new:
    as Keras 3 calls it."""

    inputs: tuple[Flow, ...]
    states: tuple[Flow, ...] = ()
    mask: Flow | None = None
    at: int = 0
    new: bool = False


@dataclass
class Wiring:
    """readings: of every recurrent layer that the model is seen to call. embeddings: what each reads. heads: the Dense
    layers that read a recurrent layer's h, by that layer, in order. inner: the Dense layers that others read."""

    readings: dict[Node, Reading] = field(default_factory=dict)
    embeddings: dict[Node, Flow] = field(default_factory=dict)
    heads: dict[Node, list[Node]] = field(default_factory=dict)
    inner: set[Node] = field(default_factory=set)


def wire(root: Node, layers: Sequence[Recurrent]) -> Wiring:
    """Run the model on notes. What cannot be followed is left out."""
    run = _Run({layer.node: layer for layer in layers if layer.node is not None})
    run.layer(root, Call(_inputs(root)))
    return run.wiring


def _inputs(root: Node) -> tuple[Flow, ...]:
    names = [name for name, *_ in tensors(root.config.get("input_layers"))]
    return tuple(Flow(entry=name if place else "") for place, name in enumerate(names or [""]))


class _Run:
    def __init__(self, recurrent: dict[Node, Recurrent]) -> None:
        self.recurrent, self.wiring, self.left = recurrent, Wiring(), MOST_STEPS
        self.holding: dict[Node, bool] = {}

    def layer(self, node: Node, call: Call) -> tuple[Flow, ...]:
        """The tensors that a layer makes of its inputs."""
        self.left -= 1
        flows = call.inputs
        if self.left < 0 or not flows:
            return (UNKNOWN,)
        if node in self.recurrent:
            return self._recurrent(self.recurrent[node], node, call)
        if node.is_model:
            return self._graph(node, call) if "input_layers" in node.config else self._sequence(node, call)
        flow = flows[0]
        if node.own:
            return (self._changed(node, flows),)
        if node.kind == "Masking":
            return (replace(flow, mask=Mask(value=number(node.config.get("mask_value"), 0.0))),)
        if node.kind in UNCHANGED or (node.kind == "Activation" and node.config.get("activation") == "linear"):
            return (flow,)
        if node.kind == "Embedding":
            self.wiring.embeddings.setdefault(node, flow)
            mask = Mask(zero=True) if node.config.get("mask_zero") is True else None
            return (Flow(node, entry=flow.entry, mask=mask),)
        if node.kind == "TimeDistributed" and node.inside.get("layer"):
            return self._each_step(node, node.inside["layer"][0], call)
        if node.kind in ("NotEqual", "Any"):
            return (replace(flow.then(node.label), compared=node.kind == "NotEqual" or flow.compared),)
        if node.kind == "Dense" and flow.shows is not None:
            self.wiring.heads.setdefault(flow.shows, []).append(node)
        changed = self._changed(node, flows)
        if node.kind in ("Activation", "Softmax"):
            changed = replace(changed, shows=flow.shows, dense=flow.dense)
        return (replace(changed, dense=node) if node.kind == "Dense" else changed,)

    def _changed(self, node: Node, flows: Sequence[Flow]) -> Flow:
        """What a layer makes that is not followed further."""
        if node.kind not in ("Activation", "Softmax"):
            self.wiring.inner |= {flow.dense for flow in flows if flow.dense is not None}
        changed = flows[0].then(node.label)
        masks = [flow.mask for flow in flows if flow.mask is not None]
        if not masks or node.own or node.kind not in KEEP_A_MASK:
            return changed
        kept = masks[0] if masks[0].zero and len(flows) == 1 else Mask(elsewhere=masks[0].elsewhere or node.label)
        return replace(changed, mask=kept)

    def _recurrent(self, layer: Recurrent, node: Node, call: Call) -> tuple[Flow, ...]:
        flow = call.inputs[0]
        self.wiring.inner |= {one.dense for one in call.inputs if one.dense is not None}
        starts = tuple(dict.fromkeys(one.source.shown if one.source else one.entry for one in call.states))
        # Keras 3 hands a mask on by itself only to a layer that is given one tensor.
        mask = None if call.new and call.states and call.mask is None else flow.mask
        if call.mask is not None and not (call.mask.compared and mask is not None):
            mask = Mask(elsewhere=call.mask.changes[-1] if call.mask.through else call.mask.entry or "input")
        reading, known = Reading(flow, starts, mask, call.at), self.wiring.readings.get(node)
        first = reading if known is None or call.at < known.at else known
        self.wiring.readings[node] = replace(first, again=known is not None)
        made = Flow(node, mask=mask if layer.sequences else None, shows=node)
        if layer.sequences and len(layer.ways) == 1 and layer.ways[0].backwards:
            made = replace(made, through=(f"{node.label} (go_backwards)", None))
        ways = 1
        if len(layer.ways) == 2 and layer.merge != "concat":
            made = replace(made, through=(f"{node.label} ({layer.merge})", None), shows=None)
            ways = 2 if layer.merge == "none" else 1
        state = replace(Flow(node), through=(f"{node.label} (state)", None))
        return (made,) * ways + (state,) * 4

    def _each_step(self, node: Node, inner: Node, call: Call) -> tuple[Flow, ...]:
        """A layer run on every step by itself. What stands in it reads one step's input, which has steps of its own."""
        flows, into = call.inputs, call.inputs[0]
        if node not in self.holding:
            self.holding[node] = any(part in self.recurrent for part in inner.walk())
        if self.holding[node]:
            into = replace(into.then(node.label), mask=into.mask and Mask(elsewhere=node.label))
        made = self.layer(inner, Call((into, *flows[1:]), at=call.at))[0]
        if made is into:
            return (into,)
        changed = flows[0].then(node.label)
        kept = flows[0].mask
        if kept is not None and not kept.zero:
            kept = Mask(elsewhere=node.label)
        return (replace(changed, mask=kept, dense=made.dense, shows=None),)

    def _sequence(self, node: Node, call: Call) -> tuple[Flow, ...]:
        flows = call.inputs
        for inner in node.inside["layers"]:
            flows = self.layer(inner, Call(flows, at=call.at))
        return flows

    def _graph(self, node: Node, call: Call) -> tuple[Flow, ...]:
        graph = Graph(node, self.recurrent)
        names = (name for name, *_ in tensors(node.config.get("input_layers")))
        given = dict(zip(names, call.inputs, strict=False))
        made: dict[tuple[str, int], tuple[Flow, ...]] = {}

        def flows(wanted: Sequence[Tensor]) -> tuple[Flow, ...]:
            return tuple(_at(made.get(graph.maker(tensor), ()), tensor[2]) for tensor in wanted)

        for step in graph.steps:
            key = step.node.name, step.at
            if step.node.kind == "InputLayer":
                made[key] = (given.get(step.node.name, UNKNOWN),)
            else:
                mask, at = next(iter(flows(step.mask)), None), max(call.at, step.at)
                made[key] = self.layer(step.node, Call(flows(step.inputs), flows(step.states), mask, at, step.new))
        return flows(graph.outputs) or (UNKNOWN,)


def _at(flows: Sequence[Flow], index: int) -> Flow:
    """One of several tensors; a layer that is not known to give several gives the same each time."""
    return flows[index] if 0 <= index < len(flows) else flows[0] if flows else UNKNOWN
