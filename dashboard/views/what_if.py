"""The page "What if": force a gate, a memory or a word, and see what the model would have said."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import streamlit as st

from dashboard import address, frame
from dashboard.controls.kept import follows
from dashboard.controls.text import plain
from dashboard.controls.units import unit_ends, unit_name, unit_names
from dashboard.figures import changes as draw
from dashboard.figures.asked import known
from dashboard.figures.content import named_units
from dashboard.figures.deciding import sure
from dashboard.frame import Context
from dashboard.language import mark, tr
from dashboard.scene import Drawn
from lstm_core import Network, Trace
from lstm_core.analysis import Counterfactual, Force, Swap, intervene, reaches
from lstm_core.analysis.intervene import Intervention, format_all, parse_all
from lstm_core.analysis.letting_go import last
from lstm_core.drawing.expected import likeliest_words, names_after
from lstm_core.drawing.panel import panel, percent, quoted, row, word_axis
from lstm_core.drawing.words import as_sentence, named, visible
from lstm_core.equations import carry
from lstm_core.say import say

KEY = "what_if"
NAMED = 8
"""Units of an intervention that are called by their names; of more the number is said."""
LARGEST = 1e6
"""What a signal may be forced to: far beyond any memory, and far from where float32 ends."""
MOST, LONGEST = 50, 10_000
"""Interventions of a link that are looked at, and its characters."""
FORCE, READ = mark("force a signal"), mark("read another word")
NUMBER, TURN, HOLD = mark("a number"), mark("turn it round"), mark("hold it")


@frame.page(mark("What if"), order=3)
def page(here: Context) -> None:
    shown = here.scene
    steps = here.steps()
    lists = [_listed(side, *one, shown.units[side]) for side, one in enumerate(here.sides())]
    for side, (column, (model, trace, at)) in enumerate(zip(st.columns(2), here.sides(), strict=True)):
        with column:
            lists[side] = _editor(side, model, trace, at, lists[side], steps[side], shown.units[side])
    sides = [_panels(side, *one, lists[side], steps[side], shown.units[side]) for side, one in enumerate(here.sides())]
    here.chart(KEY, frame.columns(sides, frame.back(*shown.traces)))


# ---- the list of interventions


def _listed(side: int, model: Network, trace: Trace, at: Drawn, unit: int) -> list[Intervention]:
    """What this session or the URL says, else the essay's case on this sentence, so that there is something to see."""
    key = _key(side)
    said = address.chosen(key)
    if said is None:
        return essay(model, trace, at, unit)
    try:
        listed = list(parse_all(said[:LONGEST])[:MOST])
    except ValueError:
        return essay(model, trace, at, unit)
    values = (item.value for item in listed if isinstance(item, Force) and isinstance(item.value, float))
    if not all(abs(value) <= LARGEST for value in values):
        return essay(model, trace, at, unit)
    address.choose(key, said)
    return listed


def _key(side: int) -> str:
    return ("do", "do2")[side]


def essay(model: Network, trace: Trace, at: Drawn, unit: int) -> list[Intervention]:
    """Keep what ``unit`` held before: where it lets go last (a name may be several tokens), its keep gate is held
    open and nothing is written. Empty where it lets go of nothing."""
    rule, gone = carry(model.cell), _gone(trace, at, unit)
    if rule is None or not gone:
        return []
    forced = [(label, value) for label, value in ((rule.label("keep"), 1.0), (rule.label("write"), 0.0))]
    names = {signal.name for signal in model.cell.signals}
    return [
        Force(label, value, (unit,), gone.start, gone.stop, at.layer, at.direction)
        for label, value in forced
        if label in names
    ]


def _gone(trace: Trace, at: Drawn, unit: int) -> range | None:
    """Where ``unit`` lets go last; None where no gate keeps its memory."""
    if trace.role("keep") is None:
        return None
    return last(trace, unit, layer=at.layer, backward=bool(at.direction))


def _editor(
    side: int, model: Network, trace: Trace, at: Drawn, listed: list[Intervention], step: int, unit: int
) -> list[Intervention]:
    key = _key(side)

    def keep(items: list[Intervention]) -> None:
        address.choose(key, format_all(items))

    def put(item: Intervention, *instead: Intervention) -> None:
        """In the place of ``item``, ticked or not, in the list as it is by then: it may be newer than what is drawn."""
        ticked = replace(item, on=True)
        keep([new for one in now() for new in (instead if replace(one, on=True) == ticked else (one,))])

    def now() -> list[Intervention]:
        return _listed(side, model, trace, at, unit)

    about = tr(
        "{name} reads the text a second time, and whatever is ticked here is forced on it. Below, grey is how it was "
        "and orange how it comes out.",
        name=model.name,
    )
    st.markdown(f"**{tr(model.cell.title)}**", help=about)
    chips = _chips(model, at, unit, step)
    gone = _gone(trace, at, unit)
    if gone:
        first = say("Keep the first subject") if _subject(model, trace, at, unit, gone) else say("Keep what it lets go")
        chips = {first: essay(model, trace, at, unit), **chips}
    elif gone is not None:
        name = unit_name(model, at, unit, trace)
        st.caption(tr("On this input {unit} holds nothing that it lets go of.", unit=name))
    with st.container(horizontal=True, gap="small"):
        for name, items in chips.items():
            does = tr("; ").join(_say(item, model, trace, at) for item in items) or None
            st.button(
                tr(name),
                key=f"{key} {name}",
                help=does,
                type="tertiary",
                disabled=not items,
                on_click=keep,
                args=(items,),
            )
        st.button(tr("Clear"), key=f"{key} clear", type="tertiary", disabled=not listed, on_click=keep, args=([],))
    lines = st.container(gap=None)
    for k, item in enumerate(listed):
        line = lines.container(horizontal=True, vertical_alignment="center", gap="small")
        of = f"{key} {k} {replace(item, on=True)}"
        field = follows(of, item.on, lambda on, item=item: put(item, replace(item, on=on)))
        line.checkbox(_say(item, model, trace, at), **field)
        line.button(tr("Remove"), key=f"{of} remove", type="tertiary", on_click=put, args=(item,))
    with st.popover(tr("Add an intervention"), type="tertiary"):
        added = _form(side, model, trace, at, unit, step)
        add = (lambda: None) if added is None else (lambda: keep([*now(), added]))
        st.button(tr("Add"), key=f"{key} add", disabled=added is None, on_click=add)
    return listed


def _subject(model: Network, trace: Trace, at: Drawn, unit: int, gone: range) -> bool:
    """Whether ``unit`` holds the gender of the subject just before it lets go."""
    before = gone.stop if at.direction else gone.start - 1
    gender = tr("gender of the subject")
    named = (one for one in named_units(model, *at, trace) if one["unit"] == unit and one["meaning"] == gender)
    return any(0 <= before < len(trace) and one["side"][before] for one in named)


def _chips(model: Network, at: Drawn, unit: int, step: int) -> dict[str, list[Intervention]]:
    """What a click does at the chosen step, by what stands on it: in English, which is its widget's key in every
    language."""
    rule = carry(model.cell)
    state = rule.state if rule else model.cell.output
    place: dict[str, Any] = {"layer": at.layer, "direction": at.direction}
    return {
        say("Change the sign of {state}", state=state): [Force(state, "flip", (unit,), step, step + 1, **place)],
        say("Erase {state} of the unit", state=state): [Force(state, 0.0, (unit,), None, None, **place)],
        say("Show nothing (h = 0)"): [Force("h", 0.0, None, step, step + 1, **place)],
    }


def _say(item: Intervention, model: Network, trace: Trace, at: Drawn) -> str:
    """An intervention in words; Markdown's own signs in a word are escaped."""
    start, stop = _place(item, trace)
    if isinstance(item, Swap):
        step = start if start < stop else item.step
        return tr("at step {step} read {word}", step=step + 1, word=quoted(plain(item.word)))
    units = tr("all units") if item.units is None else _units(item.units, model, at, trace)
    if item.start is None and item.stop is None:
        where = tr("at every word")
    elif start == stop:
        where = tr("at no step here")
    elif stop - start != 1 and trace.tokens:
        ends = {"first": quoted(plain(named(trace, start))), "last": quoted(plain(named(trace, stop - 1)))}
        where = tr("from {first} to {last} (steps {start} to {stop})", **ends, start=start + 1, stop=stop)
    elif stop - start != 1:
        where = tr("from step {first} to {last}", first=start + 1, last=stop)
    elif trace.tokens:
        where = tr("at {word} (step {step})", word=quoted(plain(named(trace, start))), step=start + 1)
    else:
        where = tr("at step {step}", step=start + 1)
    return tr("{forced}, {units}, {where}", forced=_forced(item), units=units, where=where)


def _units(units: tuple[int, ...], model: Network, at: Drawn, trace: Trace) -> str:
    shown = row(map(unit_names(model, at, trace), units[:NAMED]))
    more = len(units) - NAMED
    return tr("{units} and {count:,} more", units=shown, count=more) if more > 0 else shown


def _forced(item: Force) -> str:
    if item.value == "hold":
        return tr("{signal} held", signal=item.signal)
    if item.value == "flip":
        return tr("{signal} turned round", signal=item.signal)
    return f"{item.signal} = {item.value:g}"


def _form(side: int, model: Network, trace: Trace, at: Drawn, unit: int, here: int) -> Intervention | None:
    """The fields of a new intervention, at the chosen step at first; None until they say one."""
    key = f"add{side}"
    kinds = [FORCE, READ]
    kind = st.segmented_control(tr("What"), kinds, default=FORCE, required=True, format_func=tr, key=f"{key} kind")
    steps = list(range(len(trace)))

    def numbered(step: int) -> str:
        return f"{step + 1}. {named(trace, step)}" if trace.tokens else str(step + 1)

    if kind == READ:
        step = st.selectbox(tr("Instead of"), steps, index=here, format_func=numbered, key=f"{key} step, at {here}")
        word = st.text_input(tr("read"), key=f"{key} word").strip()
        if not word:
            return None
        try:
            word = known(model.tokenizer, word)
        except ValueError as error:
            st.error(as_sentence(error, tr("Choose a word that the model knows.") if trace.tokens else ""))
            return None
        return Swap(step, word)
    signal = st.selectbox(tr("Signal"), [one.name for one in model.cell.signals], key=f"{key} signal")
    state = model.cell.signal(signal).kind == "state"
    options = [NUMBER, TURN, *([HOLD] if state else [])]
    how = st.selectbox(tr("Do"), options, format_func=tr, key=f"{key} how")
    number = st.number_input(tr("Value"), -10.0, 10.0, 1.0, 0.1, key=f"{key} value", disabled=how != NUMBER)
    name = unit_names(model, at, trace)
    which = st.selectbox(
        tr("Unit"), [unit, *(u for u in range(trace.hidden_size) if u != unit), None], key=f"{key} unit",
        format_func=lambda one: tr("all units") if one is None else name(one),
    )  # fmt: skip
    first = st.selectbox(tr("From"), steps, index=here, format_func=numbered, key=f"{key} from, at {here}")
    final = st.selectbox(tr("To"), steps[first:], format_func=numbered, key=f"{key} to")
    value: Any = {NUMBER: number, TURN: "flip", HOLD: "hold"}[how]
    return Force(signal, value, None if which is None else (which,), first, final + 1, at.layer, at.direction)


# ---- what comes of it


def _panels(
    side: int, model: Network, trace: Trace, at: Drawn, listed: list[Intervention], step: int, own: int
) -> list[dict[str, Any]]:
    ids = [f"{kind}{side}" for kind in ("next", "time", "unit", "map")]
    try:  # the list outlives an edit of the sentence: of what is past its end it says so itself
        found = intervene(trace, [item for item in listed if not item.on or reaches(item, trace)], model)
    except ValueError as error:
        text = as_sentence(error, tr("Switch it off, or remove it."))
        return [panel(ids[0], tr(model.cell.title), text=text), *(panel(id, "") for id in ids[1:])]
    rule = carry(model.cell)
    state = rule.state if rule else model.cell.output
    before, after = (run.sel(state, layer=at.layer, direction=at.direction, batch=0) for run in (trace, found.after))
    forced = (item.units[0] for item in listed if isinstance(item, Force) and item.units)
    unit = next((one for one in forced if one < model.hidden_size), own)
    cell = tr(model.cell.title)
    return [
        *_expected(ids[:2], model, trace, found, listed, step),
        draw.unit_lines(
            ids[2],
            tr("{cell}: {state} of {unit}", cell=cell, state=state, unit=unit_name(model, at, unit, trace)),
            word_axis(trace),
            before[:, unit],
            after[:, unit],
            _names(),
            ends=unit_ends(model, at, unit, trace),
        ),
        draw.difference_map(
            ids[3],
            tr("{cell}: difference of {state}", cell=cell, state=state),
            word_axis(trace),
            after - before,
            tr("What if minus as it was, unit by unit."),
            unit,
        ),
    ]


def _names() -> tuple[str, str]:
    return tr("as it was"), tr("what if")


def _expected(
    ids: list[str], model: Network, trace: Trace, found: Counterfactual, listed: list[Intervention], step: int
) -> list[dict[str, Any]]:
    """What the model expects after this step, and of two words at every step; the reason, if it expects nothing."""
    heard = named(trace, step)
    title = tr("{cell}: what comes after {word}", cell=tr(model.cell.title), word=quoted(heard))
    try:
        chances = found.probabilities
    except ValueError as error:
        return [draw.predictions(ids[0], title, [], [], _names(), as_sentence(error)), panel(ids[1], "")]
    places = [(found.before, step), (found.after, step)]
    first, second = likeliest_words(model, places)
    moved = np.abs(chances[1] - chances[0]).max(axis=0)
    likely = np.maximum(*chances).max(axis=0)
    told = [int(w) for w in np.argsort(-(moved + 1e-3 * likely))[:2]]
    called = names_after(model, places, np.array(told))
    names = [called[word] for word in told]
    active = [item for item in listed if item.on and len(range(*_place(item, trace)))]
    if (
        active
        and step < min(_place(item, trace)[0] for item in active)
        and np.allclose(*(run[step] for run in chances))
    ):
        what = {"changes": _summary(active, trace), "heard": quoted(heard)}
        said = tr("With {changes}, nothing is different yet after {heard}: choose a later word.", **what)
    else:
        said = _verdict(active, model, trace, heard, first, second)
    return [
        draw.predictions(ids[0], title, first, second, _names(), said),
        draw.words_over_time(ids[1], trace, chances[0][:, told], chances[1][:, told], names, _names()),
    ]


def _verdict(
    active: list[Intervention],
    model: Network,
    trace: Trace,
    heard: str,
    first: list[tuple[str, float]],
    second: list[tuple[str, float]],
) -> str:
    """What came of it after this word, in a sentence, from the likeliest words before and after."""
    (before, much), (after, now) = first[0], second[0]
    said = {
        "cell": tr(model.cell.title),
        "heard": quoted(heard),
        "before": quoted(visible(before)),
        "much": percent(much),
        "after": quoted(visible(after)),
        "now": percent(now),
    }
    if not active and not sure(first):
        return tr(
            "Nothing is changed: after {heard} the {cell} is undecided, likeliest {before} ({much}).", **said
        )
    if not active:
        return tr("Nothing is changed: after {heard} the {cell} expects {before} ({much}).", **said)
    said["changes"] = _summary(active, trace)
    if before == after and not sure(second):
        return tr(
            "With {changes}, after {heard} the {cell} is undecided, likeliest {after} all the same ({now}; as it "
            "was {much}).",
            **said,
        )
    if not sure(second):
        return tr(
            "With {changes}, after {heard} the {cell} is undecided, likeliest {after} ({now}); as it was, "
            "{before} ({much}).",
            **said,
        )
    if before == after:
        return tr(
            "With {changes}, after {heard} the {cell} expects {after} all the same ({now}; as it was "
            "{much}).",
            **said,
        )
    return tr(
        "With {changes}, after {heard} the {cell} expects {after} ({now}) instead of {before} ({much}).",
        **said,
    )


def _place(item: Intervention, trace: Trace) -> tuple[int, int]:
    """The first step that it is about, and the one behind its last: the same where this text has no such step."""
    start, stop = (item.step, item.step + 1 or None) if isinstance(item, Swap) else (item.start, item.stop)
    first, last, _ = slice(start, stop).indices(len(trace))
    return first, max(first, last)


def _summary(active: list[Intervention], trace: Trace) -> str:
    """ "f = 1 and i = 0 at “John”", or how many there are where that would be long."""
    places: dict[str, list[str]] = {}
    for item in active:
        first, last = _place(item, trace)
        if last - first == 1:
            where = tr("at {word}", word=quoted(named(trace, first)))
        elif (first, last) == (0, len(trace)):
            where = tr("at every word")
        elif trace.tokens:
            ends = {"first": quoted(named(trace, first)), "last": quoted(named(trace, last - 1))}
            where = (
                tr("from {first} to {last} (steps {start} to {stop})", **ends, start=first + 1, stop=last)
                if ends["first"] == ends["last"]
                else tr("from {first} to {last}", **ends)
            )
        else:
            where = tr("from step {first} to {last}", first=first + 1, last=last)
        what = quoted(visible(item.word)) if isinstance(item, Swap) else _forced(item)
        places.setdefault(where, []).append(what)
    if len(places) > 2 or len(active) > 4:
        return tr("these {count} changes", count=len(active))
    both = tr("{first} and {last}", first="", last="")
    said = [tr("{changes} {where}", changes=both.join(done), where=where) for where, done in places.items()]
    return tr("{here} and {there}", here=said[0], there=said[1]) if len(said) == 2 else said[0]
