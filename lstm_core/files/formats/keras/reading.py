"""What a layer reads, from where it starts and which steps it skips, as its block says it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from lstm_core.block import Block, Source
from lstm_core.files.formats.keras.flow import Flow, Mask, Wiring
from lstm_core.files.formats.keras.recurrent import Recurrent
from lstm_core.files.formats.keras.stored import Version
from lstm_core.files.formats.keras.tree import Node, mapping, text
from lstm_core.say import Said, say

MOST_LABELS, MOST_NAMES = 50, 5
HALVES = ("float16", "bfloat16")
ZEROS = (2, 3)  # the first Keras whose Bidirectional gives zeros at steps that are skipped


def attach(
    blocks: Mapping[Recurrent, Sequence[Block]], wiring: Wiring, embeddings: Mapping[Node, str], version: Version
) -> dict[Recurrent, list[Block]]:
    """The blocks of every layer, with what the model says of their input, first state and mask. embeddings: the paths
    of the matrices of embeddings."""
    tops = {layer.node: (layer, made) for layer, made in blocks.items() if layer.node is not None}
    found: dict[Recurrent, list[Block]] = {}
    for layer, made in blocks.items():
        reading = None if layer.node is None else wiring.readings.get(layer.node)
        assumed = [] if layer.node is None else _of_the_layer(layer, layer.node)
        source, value = None, None
        if reading is not None:
            source = _source(reading.flow, reading.mask, tops, wiring, embeddings)
            value = None if reading.mask is None else reading.mask.value
            assumed += _of_the_call(layer, reading.starts, reading.mask, not version.before(*ZEROS))
            if reading.again:
                assumed.append(say("its model calls it more than once; what it reads is said of the first call"))
            if reading.flow.entry:
                assumed.append(
                    say("it reads the network's input {name}, which is not the first", name=reading.flow.entry)
                )
        zero = source is not None and source.mask_zero
        found[layer] = [
            replace(
                block,
                reads=replace(block.reads, mask_zero=zero) if block.reads else source,
                mask_value=value,
                assumed=tuple(dict.fromkeys((*block.assumed, *assumed))),
            )
            for block in made
        ]
    return found


def _source(
    flow: Flow,
    mask: Mask | None,
    tops: Mapping[Node, tuple[Recurrent, Sequence[Block]]],
    wiring: Wiring,
    embeddings: Mapping[Node, str],
) -> Source | None:
    """Where a tensor comes from; None if that is not known."""
    through: list[str] = []
    passed: set[Node] = set()
    while True:
        through = [*flow.changes, *through]
        node = flow.source
        if not flow.known:
            return None
        if node is None or node in passed:
            name = ""
            break
        passed.add(node)
        if node in wiring.embeddings:
            through = [*wiring.embeddings[node].changes, *([] if node in embeddings else [node.label]), *through]
            name = embeddings.get(node, "")
            break
        if node in tops:
            layer, made = tops[node]
            name = made[-1].name
            if not layer.sequences and not through:
                through = [say("{layer} (last step)", layer=node.label)]
            if len(layer.ways) == 2 and len(made) > 1 and not through:
                through = [f"{node.label} ({layer.merge})"]
            break
        through = [node.label, *through]  # a layer that is not read itself
        below = wiring.readings.get(node)
        if below is None:
            return None
        flow = below.flow
    return Source(name, tuple(through[:MOST_LABELS]), mask is not None and mask.zero)


def _of_the_layer(layer: Recurrent, node: Node) -> list[Said]:
    """What the layer's options ask for that a trace does not do by itself."""
    found = []
    if layer.options.get("stateful") is True:
        found.append(say("it starts from zeros; in its model it goes on from where the last batch ended (stateful)"))
    policy = layer.options.get("dtype", node.config.get("dtype"))
    name = policy if isinstance(policy, str) else text(mapping(mapping(policy).get("config")).get("name"))
    if name.removeprefix("mixed_") in HALVES:
        kind = name.removeprefix("mixed_")
        found.append(say("it is computed in float32; in its model it is computed in {kind}", kind=kind))
    return found


def _of_the_call(layer: Recurrent, starts: Sequence[str], mask: Mask | None, zeros: bool) -> list[Said]:
    """What it starts from and skips. zeros: a Bidirectional gives zeros where it skips."""
    found = []
    if starts:
        names = ", ".join([name for name in starts if name][:MOST_NAMES]) or say("another layer")
        found.append(say("it starts from zeros; in its model it starts from what {names} gives", names=names))
    if mask is None:
        return found
    if mask.elsewhere:
        text = say("no step is skipped; in its model a mask from {name} skips some: pass mask=", name=mask.elsewhere)
        return [*found, text]
    if layer.options.get("zero_output_for_mask") is True or (zeros and len(layer.ways) == 2 and layer.sequences):
        found.append(say("at a step that is skipped h stays as it was; in its model the layer gives zeros there"))
    return found
