"""The drawing of a cell: its data-flow graph placed and wired as in the essays. Pure geometry, in grid units.

The memory runs straight along the top from left to right, layers are boxes in a row, pointwise operations are
circles above
them. Nothing is placed by hand: any cell's graph is drawn by the same rules, and ``tests/test_diagram.py`` holds
every cell
to them (no overlap, no wire through a node, no two wires on one line).
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise

from lstm_core.cells.base import Cell
from lstm_core.equations import Graph, Node, carry, graph

COLUMN, ROW = 4, 4
"""Grid units between neighbouring places. Boxes stand on every second column; a wire needs one unit of its own."""

Point = tuple[int, int]


@dataclass(frozen=True)
class Placed:
    """A node at the centre (x, y), y downwards; it covers ``half_width`` and ``half_height`` to each side.

    letter: the point on which its signal's letter stands, chosen so that no wire runs through it.
    """

    id: int
    kind: str
    label: str
    signal: str | None
    x: int
    y: int
    half_width: int
    half_height: int
    letter: Point = (0, 0)

    def corners(self) -> list[Point]:
        """Where a letter may stand, best first: beside the corners, or above the node's two halves."""
        beside = [(sx * (self.half_width + 1), sy * self.half_height) for sy in (-1, 1) for sx in (1, -1)]
        return [(self.x + x, self.y + y) for x, y in (*beside, (1, -self.half_height - 1), (-1, -self.half_height - 1))]


@dataclass(frozen=True)
class Wire:
    """What flows from one node to another, as a line of right angles; the first wire of a source carries its trunk."""

    source: int
    target: int
    points: tuple[Point, ...]

    def covers(self) -> set[Point]:
        """Every grid point that it runs through."""
        return {
            (x, y)
            for (a, b), (c, d) in pairwise(self.points)
            for x in range(min(a, c), max(a, c) + 1)
            for y in range(min(b, d), max(b, d) + 1)
        }


@dataclass(frozen=True)
class Diagram:
    nodes: tuple[Placed, ...]
    wires: tuple[Wire, ...]
    left: int
    top: int
    right: int
    bottom: int
    memory: tuple[int, ...]
    """Ids along the line of the memory, from the old state to the new one; empty for a cell without one."""


@cache
def diagram(cell: type[Cell]) -> Diagram:
    """The drawing of one step of ``cell``."""
    flow = graph(cell)
    line = _memory_line(cell, flow)
    placed = _place(flow, line)
    _place_ends(cell, flow, line, placed)
    wires = _route(placed, _edges(flow, placed, line))
    points = [point for wire in wires for point in wire.points]
    xs = [x for x, _ in points] + [n.x + s * n.half_width for n in placed.values() for s in (-1, 1)]
    ys = [y for _, y in points] + [n.y + s * n.half_height for n in placed.values() for s in (-1, 1)]
    ends = (min(xs) - 1, min(ys) - 1, max(xs) + 1, max(ys) + 1)
    covered = {point for wire in wires for point in wire.covers()}
    nodes = (replace(node, letter=min(node.corners(), key=lambda point: point in covered)) for node in placed.values())
    return Diagram(tuple(nodes), tuple(wires), *ends, tuple(line))


def _memory_line(cell: type[Cell], flow: Graph) -> list[int]:
    """From the old value of the carried state to its new one, through pointwise operations only."""
    rule = carry(cell)
    if rule is None:
        return []
    nodes = {node.id: node for node in flow.nodes}
    sources = _sources(flow)
    pointwise = ("product", "sum", "difference", "quotient")

    def back(id: int) -> list[int] | None:
        node = nodes[id]
        if node.kind == "old" and node.label == rule.state:
            return [id]
        if node.kind not in pointwise:
            return None
        paths = [path for source in sources[id] if (path := back(source))]
        return [*min(paths, key=len), id] if paths else None

    return back(next(node.id for node in flow.nodes if node.signal == rule.state)) or []


def _sources(flow: Graph) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {node.id: [] for node in flow.nodes}
    for source, target in flow.edges:
        found[target].append(source)
    return found


def _ordered(flow: Graph) -> list[Node]:
    """The nodes, each after everything that flows into it."""
    sources, nodes = _sources(flow), {node.id: node for node in flow.nodes}
    done: dict[int, Node] = {}

    def visit(id: int) -> None:
        if id not in done:
            for source in sources[id]:
                visit(source)
            done[id] = nodes[id]

    for node in flow.nodes:
        visit(node.id)
    return list(done.values())


def _place(flow: Graph, line: list[int]) -> dict[int, Placed]:
    order, sources = _ordered(flow), _sources(flow)
    ends = {node.id for node in order if node.kind in ("input", "old", "number")}
    boxes = [node.id for node in order if node.kind == "layer"]
    inner = [node.id for node in order if node.id not in ends and node.kind != "layer" and node.id not in line]
    level: dict[int, int] = {}
    after: dict[int, int] = {id: 0 for id in line[1:]}
    for node in order:
        if node.id in inner:
            later = [after[s] for s in sources[node.id] if s in after]
            if later:
                after[node.id] = 1 + max(later)
            level[node.id] = 1 + max((level.get(s, 0) for s in sources[node.id]), default=0)
    rows = max([1, *(level[id] for id in inner if id not in after), *after.values()])
    position = _reach(flow, line)
    boxes.sort(key=lambda id: (position[id], id))

    column: dict[int, int] = {id: 2 * k for k, id in enumerate(boxes)}
    row: dict[int, int] = {id: rows + 1 for id in boxes}
    taken = {(column[id], row[id]) for id in boxes}
    line_feeders = {s for id in line[1:] for s in sources[id] if s in column}  # their way up must stay free
    last = -2
    for node in order:
        if node.id not in inner and node.id not in line[1:]:
            continue
        before = [column[s] for s in sources[node.id] if s in column]
        at = max(before, default=0)
        if node.id in line:
            row[node.id], at = 0, max(at, last + 2)
        else:
            row[node.id] = after.get(node.id, rows + 1 - level[node.id])
            shared = any(s in line_feeders for s in sources[node.id])
            at += 1 if shared else 2 if any(s in line[1:] for s in sources[node.id]) else 0
        while (at, row[node.id]) in taken:
            at += 2
        if node.id in line:
            last = at
        column[node.id] = at
        taken.add((at, row[node.id]))

    placed: dict[int, Placed] = {}
    by_id = {node.id: node for node in order}
    for id in column:
        node = by_id[id]
        wide = 3 if len(sources[id]) > 5 else 2 if node.kind in ("layer", "function") else 1
        placed[id] = Placed(id, node.kind, node.label, node.signal, column[id] * COLUMN, row[id] * ROW, wide, 1)
    return placed


def _reach(flow: Graph, line: list[int]) -> dict[int, int]:
    """For each node the first place on the memory line that it flows into."""
    found = {id: k for k, id in enumerate(line)}
    targets: dict[int, list[int]] = {}
    for source, target in flow.edges:
        targets.setdefault(source, []).append(target)

    def visit(id: int) -> int:
        if id not in found:
            found[id] = min((visit(target) for target in targets.get(id, [])), default=len(line))
        return found[id]

    for node in flow.nodes:
        visit(node.id)
    return found


NEW = 1000
"""Added to the id of a state's node to give the id of its terminal on the right."""


def _place_ends(cell: type[Cell], flow: Graph, line: list[int], placed: dict[int, Placed]) -> None:
    """Old states at the left, the input below, and at the right, level with what it is wired to, all that goes on: the
    new states, and what the layer above reads."""
    floor = max(node.y for node in placed.values())
    right = max(node.x for node in placed.values()) + 2 * COLUMN
    left = -2 * COLUMN
    lane = floor + 4
    for node in flow.nodes:
        if node.kind == "old":
            y = 0 if line and node.id == line[0] else lane
            if y:
                lane += 3
            placed[node.id] = Placed(node.id, "old", node.label, None, left, y, 1, 1)
    for node in flow.nodes:
        if node.kind == "input":
            placed[node.id] = Placed(node.id, "input", node.label, None, left + 3, lane + 1, 1, 1)
    leaving = {*cell.states(), cell.output, *cell.below}
    used: set[int] = set()
    for node in flow.nodes:
        if node.signal in leaving:
            y = placed[node.id].y
            while y in used:
                y += 3
            used.add(y)
            placed[NEW + node.id] = Placed(NEW + node.id, "new", node.signal or "", node.signal, right, y, 1, 1)


def _edges(flow: Graph, placed: dict[int, Placed], line: list[int]) -> list[tuple[int, int]]:
    """What is to be wired, the memory line first, then short ways before long ones."""
    edges = [(a, b) for a, b in flow.edges if a in placed and b in placed]
    edges += [(id - NEW, id) for id in placed if id >= NEW]
    on_line = {*line, *(NEW + id for id in line)}

    def length(edge: tuple[int, int]) -> tuple[bool, bool, int]:
        a, b = placed[edge[0]], placed[edge[1]]
        memory = a.id in on_line and b.id in on_line and a.y == b.y == 0
        return not memory, a.kind in ("old", "input"), abs(a.x - b.x) + abs(a.y - b.y)

    return sorted(edges, key=length)


def _ports(node: Placed, leaving: bool, wires: int = 5) -> list[tuple[Point, Point]]:
    """Where a wire may touch a node: the point on its edge, and the one outside it.

    A box is fed from below by ``wires`` wires, beside its middle, and speaks upwards; a circle has four sides.
    """
    x, y, wide, high = node.x, node.y, node.half_width, node.half_height
    top, bottom = ((x, y - high), (x, y - high - 1)), ((x, y + high), (x, y + high + 1))
    left, right = ((x - wide, y), (x - wide - 1, y)), ((x + wide, y), (x + wide + 1, y))
    match node.kind, leaving:
        case "layer", True:
            return [top]
        case "layer", False:
            return [((x + dx, y + high), (x + dx, y + high + 1)) for dx in (-1, 1, 0, -2, 2, -3, 3)[: max(wires, 2)]]
        case "new", _:
            return [left]
        case "old", _:
            return [right]
        case "input", _:
            return [top, right]
        case _:
            return [top, bottom, left, right]


def _route(placed: dict[int, Placed], edges: Iterable[tuple[int, int]]) -> list[Wire]:
    """Wire the edges one after the other, each by the cheapest way of right angles.

    Wires of one source share their trunk. Wires of different sources may cross at right angles, never run on one line.
    """
    blocked = {
        (x, y)
        for node in placed.values()
        for x in range(node.x - node.half_width, node.x + node.half_width + 1)
        for y in range(node.y - node.half_height, node.y + node.half_height + 1)
    }
    xs, ys = [x for x, _ in blocked], [y for _, y in blocked]
    frame = (min(xs) - 3, min(ys) - 5, max(xs) + 3, max(ys) + 3)
    used: dict[Point, dict[int, set[str]]] = {}
    ports: dict[Point, int] = {}
    trees: dict[int, dict[Point, tuple[Point, ...]]] = {}
    wires = []
    edges = list(edges)
    fan_in = Counter(target for _, target in edges)
    for source, target in edges:
        tree = trees.setdefault(source, {})
        doors = _ports(placed[target], leaving=False, wires=fan_in[target])
        goals = {outside: edge for edge, outside in doors if edge not in ports}
        path = _cheapest(placed[source], placed[target], goals, tree, blocked, used, ports, frame)
        for k, point in enumerate(path):
            tree.setdefault(point, tuple(path[: k + 1]))
            directions = used.setdefault(point, {}).setdefault(source, set())
            for near in path[max(k - 1, 0) : k] + path[k + 1 : k + 2]:
                directions.add("h" if near[1] == point[1] else "v")
        ports[path[-1]] = target
        ports.setdefault(path[0], source)
        wires.append(Wire(source, target, _corners(path)))
    return wires


def _cheapest(
    source: Placed,
    target: Placed,
    goals: dict[Point, Point],
    tree: dict[Point, tuple[Point, ...]],
    blocked: set[Point],
    used: dict[Point, dict[int, set[str]]],
    ports: dict[Point, int],
    frame: tuple[int, int, int, int],
) -> list[Point]:
    """A* from the source, or from any point that its wires reach already, to one of ``goals``.

    goals: the points outside the target's free ports, and the ports themselves.
    """
    queue: list[tuple[float, float, int, Point, str]] = []
    came: dict[tuple[Point, str], tuple[Point, str] | None] = {}
    best: dict[tuple[Point, str], float] = {}
    starts: dict[Point, tuple[Point, ...]] = {}
    count = 0

    def distance(point: Point) -> int:
        return min(abs(point[0] - x) + abs(point[1] - y) for x, y in goals)

    def push(cost: float, point: Point, axis: str, previous: tuple[Point, str] | None) -> None:
        nonlocal count
        if cost < best.get((point, axis), float("inf")):
            best[point, axis], came[point, axis] = cost, previous
            count += 1
            heapq.heappush(queue, (cost + distance(point), cost, count, point, axis))

    for edge, outside in _ports(source, leaving=True):
        if ports.get(edge, source.id) == source.id:
            starts[outside] = (edge,)
            push(0.0 if not tree else 4.0, outside, "h" if edge[1] == outside[1] else "v", None)
    for point, path in tree.items():
        if point not in blocked:
            starts[point] = path[:-1]
            for axis in "hv":
                push(0.5, point, axis, None)
    while queue:
        _, cost, _, point, axis = heapq.heappop(queue)
        if cost > best[point, axis]:
            continue
        shared = any(net != source.id for net in used.get(point, {}))
        if point in goals and (axis == ("h" if goals[point][1] == point[1] else "v") or not shared):
            path = [goals[point]]
            state: tuple[Point, str] | None = (point, axis)
            while state is not None:
                path.append(state[0])
                state = came[state]
            return list(dict.fromkeys([*starts[path[-1]], *reversed(path)]))
        for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            near = (point[0] + dx, point[1] + dy)
            way = "h" if dy == 0 else "v"
            if near in blocked or not (frame[0] <= near[0] <= frame[2] and frame[1] <= near[1] <= frame[3]):
                continue
            others = {net: ways for net, ways in used.get(near, {}).items() if net != source.id}
            here = {net: ways for net, ways in used.get(point, {}).items() if net != source.id}
            if any(way in ways for ways in others.values()) or any(way in ways for ways in here.values()):
                continue
            turn = 0.0 if way == axis else 2.5
            if turn and here:
                continue
            push(cost + 1 + turn + 5 * len(others), near, way, (point, axis))
    raise ValueError(f"no way from {source.label!r} to {target.label!r}: the rows need more room")


def _corners(path: list[Point]) -> tuple[Point, ...]:
    """The path without the points that lie on a straight line between their neighbours."""
    kept = [path[0]]
    for before, point, behind in zip(path, path[1:], path[2:], strict=False):
        if (point[0] - before[0], point[1] - before[1]) != (behind[0] - point[0], behind[1] - point[1]):
            kept.append(point)
    return tuple([*kept, path[-1]])
