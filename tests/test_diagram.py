"""Every cell's drawing keeps the rules of a good one: measured on the geometry, for each cell that there is."""

from __future__ import annotations

from itertools import combinations

import pytest

from dashboard.figures.diagram import NEW, Diagram, Placed, Point, Wire, diagram
from lstm_core.cells import CELLS, VARIANTS
from lstm_core.equations import carry, graph

ALL = CELLS | VARIANTS


@pytest.fixture(params=ALL)
def drawing(request: pytest.FixtureRequest) -> Diagram:
    return diagram(ALL[request.param])


def points(wire: Wire) -> list[Point]:
    """Every grid point that a wire covers, in order."""
    covered = [wire.points[0]]
    for (x, y), (to_x, to_y) in zip(wire.points, wire.points[1:], strict=False):
        assert (x == to_x) != (y == to_y), "a wire turns at right angles and does not stand still"
        steps = max(abs(to_x - x), abs(to_y - y))
        covered += [(x + (to_x - x) * k // steps, y + (to_y - y) * k // steps) for k in range(1, steps + 1)]
    return covered


def inside(node: Placed, point: Point) -> bool:
    return abs(point[0] - node.x) <= node.half_width and abs(point[1] - node.y) <= node.half_height


def test_nodes_do_not_overlap(drawing: Diagram) -> None:
    for a, b in combinations(drawing.nodes, 2):
        apart = abs(a.x - b.x) > a.half_width + b.half_width or abs(a.y - b.y) > a.half_height + b.half_height
        assert apart, f"{a.label} {a.signal} lies on {b.label} {b.signal}"


def test_wires_touch_only_the_nodes_they_join(drawing: Diagram) -> None:
    for wire in drawing.wires:
        for node in drawing.nodes:
            touched = [point for point in points(wire) if inside(node, point)]
            if node.id == wire.source:
                assert touched == [wire.points[0]]
            elif node.id == wire.target:
                assert touched == [wire.points[-1]]
            else:
                assert not touched


def test_no_two_sources_share_a_line(drawing: Diagram) -> None:
    owner: dict[frozenset[Point], int] = {}
    for wire in drawing.wires:
        path = points(wire)
        assert len(path) == len(set(path)), "a wire does not go back on itself"
        for a, b in zip(path, path[1:], strict=False):
            assert owner.setdefault(frozenset((a, b)), wire.source) == wire.source


def test_wires_of_different_sources_cross_straight(drawing: Diagram) -> None:
    turns = {(wire.source, point) for wire in drawing.wires for point in wire.points}
    for wire in drawing.wires:
        on = set(points(wire))
        assert not [source for source, point in turns if source != wire.source and point in on]


def test_no_wire_runs_through_a_letter(drawing: Diagram) -> None:
    named = [node for node in drawing.nodes if node.signal and node.kind != "new"]
    assert named
    for node in named:
        assert not [wire for wire in drawing.wires if node.letter in points(wire)], node
        assert not [other for other in drawing.nodes if inside(other, node.letter)], node


@pytest.mark.parametrize("name", ALL)
def test_the_drawing_is_the_data_flow_graph(name: str) -> None:
    flow, drawing = graph(ALL[name]), diagram(ALL[name])
    drawn = {(wire.source, wire.target) for wire in drawing.wires}
    assert drawn == set(flow.edges) | {(node.id - NEW, node.id) for node in drawing.nodes if node.id >= NEW}
    assert {node.signal for node in drawing.nodes if node.kind == "new"} >= {"h"}


@pytest.mark.parametrize("name", ALL)
def test_the_memory_runs_straight_along_the_top(name: str) -> None:
    drawing = diagram(ALL[name])
    if carry(ALL[name]) is None:
        assert not drawing.memory
        return
    nodes = {node.id: node for node in drawing.nodes}
    on_line = [nodes[id] for id in drawing.memory]
    assert {node.y for node in on_line} == {0} == {min(node.y for node in drawing.nodes)}
    assert [node.x for node in on_line] == sorted(node.x for node in on_line)
    wires = {(wire.source, wire.target): wire for wire in drawing.wires}
    for a, b in zip(drawing.memory, [*drawing.memory[1:], drawing.memory[-1] + NEW], strict=True):
        assert len(wires[a, b].points) == 2
