"""What may lie between two parts of a network, as far as the shapes of its layers show it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

Shapes = Mapping[str, tuple[int, ...]]
"""The shapes of a layer's parameters by name."""


def way(layers: Mapping[str, Shapes], width: int) -> list[str]:
    """The names of the fewest layers, each once, that take ``width`` numbers a step and give as many; none without
    such a way."""
    reached = {width}
    ends: list[tuple[int, list[str]]] = [(width, [])]
    while ends:
        longer = []
        for at, names in ends:
            for name, shapes in layers.items():
                for given in () if name in names else _given(shapes, at):
                    if given == width:
                        return [*names, name]
                    if given not in reached:
                        reached.add(given)
                        longer.append((given, [*names, name]))
        ends = longer
    return []


def _given(shapes: Shapes, width: int) -> Iterator[int]:
    """How many numbers a layer may give that takes ``width`` of them: a matrix, a convolution, or a scale of each."""
    matrices = {name: shape for name, shape in shapes.items() if len(shape) > 1}
    for name, shape in matrices.items():
        pytorch, keras = not name.endswith(("kernel", "kernel:0")), not name.endswith("weight")
        if pytorch and (width == shape[1] or (len(shape) > 2 and not keras and shape[1] and width % shape[1] == 0)):
            yield shape[0]  # of a convolution in groups, the weight says what one group takes
        if keras and width == shape[-2]:
            yield shape[-1]
        if len(shape) > 2 and width == shape[0]:  # transposed, in PyTorch
            yield shape[1]
    if not matrices and any(shape in ((width,), (1,)) for shape in shapes.values()):
        yield width
