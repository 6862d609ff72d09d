"""More units for a network that has read, which computes as before (Net2WiderNet of Chen et al. 2016, with new units in
place of copies): what the new units hold is written to no other unit and not read out until they have learned."""

from __future__ import annotations

from lab.general.model import Reader


def grown(model: Reader, units: int) -> Reader:
    """``model`` with so many units. The new ones read everything, with the weights of a network that begins, and
    nothing reads them: their weights into the others and into the readout are 0, and grow from there, since their
    gradients are not. Raises ValueError if it has as many units already."""
    if units <= model.hidden:
        raise ValueError(f"a network of {model.hidden} units grows to more than that, not to {units}")
    pieces, embedding = model.embedding.weight.shape
    own = Reader(model.cell, pieces, units, embedding, model.dropout.p)
    raw, begun = model.state_dict(), own.state_dict()
    for name, value in begun.items():
        if name.startswith("layer."):
            gates = zip(value.split(units), raw[name].split(model.hidden), strict=True)
            for new, old in gates:
                if name.startswith("layer.weight_hh"):
                    new[: model.hidden, model.hidden :] = 0
                    new[: model.hidden, : model.hidden] = old
                else:
                    new[: model.hidden] = old
        elif name == "projection.weight":
            value.zero_()[:, : model.hidden] = raw[name]
        else:
            value.copy_(raw[name])
    own.load_state_dict(begun)
    return own
