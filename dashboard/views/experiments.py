"""The page "Experiments": the essays' claims, target beside measured, each opening to its figure and to a try."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote, urlencode

import streamlit as st

from dashboard import cache, frame
from dashboard.chart import chart, chosen_step
from dashboard.figures import experiments as draw
from dashboard.figures import live
from dashboard.figures.experiments import number
from dashboard.figures.meaning import HAN
from dashboard.jobs import JOB, Busy, Job, begin
from dashboard.language import current, mark, tr
from dashboard.scene import same_step
from dashboard.session import keeps
from dashboard.wall import wall
from lab.experiments import discover
from lab.experiments.base import Experiment, Results, Target, Try
from lab.experiments.record import results
from lstm_core.drawing.panel import sentences
from lstm_core.drawing.words import as_sentence, words
from lstm_core.files.sandbox import from_json

OPEN = "experiment"
AGAIN = keeps("measured again")
LONGEST = 5
"""Minutes that a measurement may take on the page."""
GAVE_UP = mark("ended: it took longer than 300 seconds")
"""What a measurement's process says that took longer."""
TOKENS = 300
TASKS = {"counting": "count", "copy": "copy", "subject": "pronouns"}
"""What a network can be trained on that is much like an experiment."""


@frame.bare(mark("Experiments"), order=9)
def page() -> None:
    said = st.query_params.get(OPEN, "")
    if said == "train":
        from dashboard import train

        _back()
        train.section()
    elif said in discover():
        _opened(discover()[said])
    else:
        _gallery()


def _back() -> None:
    st.button(tr("All experiments"), type="tertiary", icon=":material/arrow_back:", on_click=_open, args=("",))


def _train(after: str = "") -> None:
    """The way to training a network oneself, on the task that is most like the experiment ``after``."""

    def go() -> None:
        if after in TASKS:
            st.session_state["train task"] = TASKS[after]
        _open("train")

    st.button(tr("Train it yourself"), type="tertiary", icon=":material/model_training:", on_click=go)


def _under_way() -> None:
    """The way back to what was begun and left."""
    job: Job | None = st.session_state.get(JOB)
    if job is None or not job.running:
        return
    one = discover().get(job.label)
    said = tr("{what} is being measured", what=tr(one.title)) if one else tr("Your network is being trained")
    st.button(said, type="tertiary", icon=":material/hourglass_top:", on_click=_open, args=(job.label,))


def _open(name: str) -> None:
    if name:
        st.query_params[OPEN] = name
    else:
        st.query_params.pop(OPEN, None)


# ---- the wall


def _gallery() -> None:
    st.caption(
        tr(
            "What the essays about these networks claim, measured on trained models and beside untrained ones. "
            "A target that is missed stays here as missed."
        )
    )
    with st.container(horizontal=True, gap="medium"):
        _train()
        _under_way()
    cards = []
    for one in discover().values():
        try:
            cards.append(card(one, results(one.name)))
        except ValueError as error:
            cards.append(card(one, None) | {"verdict": tr(error.args[0])})
    wall(cards, _open)


def card(one: Experiment, found: Results | None) -> dict[str, Any]:
    """What the wall shows of an experiment."""
    about = {"name": one.name, "title": tr(one.title), "claim": tr(one.claim)}
    if found is None:
        return about | {"svg": "", "legend": [], "verdict": tr("Not measured yet."), "lines": []}
    drawing = one.draw(found)[0]
    rows = sorted((verdict(target, found) for target in one.targets), key=lambda row: row[0] == "met")
    drawn = {"svg": draw.small(drawing), "legend": draw.legend(drawing), "lines": [list(row) for row in rows]}
    said = {"short": tr(one.short(found)), "shaped": tr(one.shaped)}
    return about | drawn | said | {"verdict": count(one, found)}


def count(one: Experiment, found: Results) -> str:
    """How many targets were met, over how many seeds."""
    met = sum(verdict(target, found)[0] == "met" for target in one.targets)
    said = {"met": met, "count": len(one.targets), "seeds": seeds(found)}
    return tr("{met} of {count} targets met \N{MIDDLE DOT} {seeds}", **said)


def verdict(target: Target, found: Results) -> tuple[str, str]:
    """("met" or "missed", the figure in words with its spread and the target)."""
    figure, value = target.of(found.figures), target.value(found.figures)
    if figure is None or value is None:
        return "missed", tr("{says}: not measured", says=tr(target.says))
    shown = number(value)
    low, high = map(number, figure.spread or (value, value))
    if low != high:
        shown = tr("{value} ({low} to {high})", value=shown, low=low, high=high)
    said = tr("{says}: {value}, target {bound}", says=tr(target.says), value=shown, bound=bound(target))
    return "met" if target.met(value) else "missed", said


def bound(target: Target) -> str:
    if target.at_least:
        return tr("at least {bound}", bound=number(target.bound))
    return tr("at most {bound}", bound=number(target.bound))


def seeds(found: Results) -> str:
    count = len(found.seeds)
    return tr("{count} seeds", count=count) if found.of == "training" else tr("{count} draws of texts", count=count)


# ---- one of them


def _opened(one: Experiment) -> None:
    with st.container(horizontal=True, gap="medium"):
        _back()
        _train(one.name)
    st.header(tr(one.title), anchor=False)
    st.markdown(tr("**Claim.** {says} *{source}*", says=tr(one.claim), source=tr(one.source)))
    try:
        found = results(one.name)
    except ValueError as error:
        st.error(
            tr(
                "{error}. Measure it again: `python -m lab measure {name}`.",
                error=error.args[0],
                name=one.name,
            )
        )
        return
    if found is None:
        st.info(tr("Not measured yet. `python -m lab measure {name}` measures it.", name=one.name))
    else:
        said = sentences(tr("{said}.", said=count(one, found)), tr(one.short(found)), tr(one.shaped))
        st.markdown(tr("**Measured.** {says}", says=said))
        panels = [draw.full(f"figure{k}", drawing) for k, drawing in enumerate(one.draw(found))]
        if len(panels) == 1:
            panels[0]["wide"] = True
        # No step: the one that a link gives belongs to the text below.
        chart({"words": [], "columns": 2, "panels": panels}, f"figures of {one.name}", "")
    left, right = st.columns(2, gap="large")
    left.markdown(tr("**What to look at.** {says}", says=tr(one.look)))
    right.markdown(tr("**What would disprove it.** {says}", says=tr(one.disproof)))
    if found is not None:
        st.markdown(table(one, found, st.session_state.get(AGAIN, {}).get(one.name)))
        st.caption(sentences(*map(tr, found.notes), measured_on(found)))
    _try(one)
    _run(one, found)


def table(one: Experiment, found: Results, again: Results | None) -> str:
    """Target beside measured, in Markdown; ``again``: what this session measured."""
    head, *lines = rows(one, found, again)
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *lines])


def rows(one: Experiment, found: Results, again: Results | None = None) -> list[list[str]]:
    """Target beside measured, a heading first; ``again``: what this session measured."""
    head = ["", tr("claim"), tr("target"), tr("measured"), tr("least to most"), tr("shipped model"), tr("untrained")]
    rows = [head + [tr("just now")] * (again is not None)]
    for target in one.targets:
        figure, value = target.of(found.figures), target.value(found.figures)
        if figure is None or value is None:
            said = [_word("missed"), tr(target.says), bound(target), tr("not measured")]
            rows.append(said + [""] * (3 + (again is not None)))
            continue
        low, high = map(number, figure.spread or (0, 0))
        spread = tr("{low} to {high}", low=low, high=high) if low != high else low if figure.spread else ""
        blank = sorted(figure.untrained)
        row = [
            _word(verdict(target, found)[0]),
            tr(target.says),
            bound(target),
            number(value),
            spread,
            "" if figure.shipped is None else number(figure.shipped),
            number(blank[len(blank) // 2]) if blank else "",
        ]
        if again is not None:
            now = target.value(again.figures)
            row.append("" if now is None else number(now))
        rows.append(row)
    return rows


def _word(verdict: str) -> str:
    return tr("met") if verdict == "met" else tr("missed")


def took(found: Results) -> str:
    if found.seconds < 120:
        return tr("{seconds:.0f} s", seconds=found.seconds)
    return tr("{minutes:.0f} min", minutes=found.seconds / 60)


def measured_on(found: Results) -> str:
    return tr(
        "Measured on {date}, {seeds}, {machine}, in {took}.",
        date=found.date,
        seeds=seeds(found),
        machine=_machine(found.machine),
        took=took(found),
    )


def _machine(said: str) -> str:
    """ "Intel(R) Xeon(R), 2 cores" as `lab.machine.machine` writes it."""
    kind, _, cores = said.rpartition(", ")
    count = cores.partition(" ")[0]
    return tr("{kind}, {count} cores", kind=kind, count=count) if kind and count.isdecimal() else said


# ---- try it


@st.fragment
def _try(one: Experiment) -> None:
    there = cache.models()
    tries = [try_ for try_ in one.tries if try_.left in there and try_.right in there]
    if not tries:
        return
    tries.sort(key=lambda try_: bool(HAN.search(try_.text)) != (current() == "zh"))  # those of the visitor's language
    st.markdown(tr("**Try a text**"))
    key = f"try {one.name}"
    place = st.session_state.setdefault(f"{key} pair", tries[0].text)

    def choose(k: int) -> None:
        st.session_state[f"{key} pair"] = st.session_state[key] = tries[k].text

    with st.container(horizontal=True, gap="small"):
        for k, try_ in enumerate(tries):
            label = try_.text if len(try_.text) <= 60 else f"{try_.text[:59]}\N{HORIZONTAL ELLIPSIS}"
            st.button(_plain(label), key=f"{key} {k}", type="tertiary", on_click=choose, args=(k,))
    chosen = next((try_ for try_ in tries if try_.text == place), tries[0])
    st.session_state.setdefault(key, chosen.text)
    text = st.text_input(tr("Text"), key=key, label_visibility="collapsed", max_chars=5000)
    if chosen.ask:
        st.caption(tr(chosen.ask))
    readings = [cache.read(name, text) for name in dict.fromkeys((chosen.left, chosen.right))]
    if any(len(reading.trace) == 0 for reading in readings):
        st.caption(tr("Type something above."))
        return
    if any(len(reading.trace) > TOKENS for reading in readings):
        st.caption(tr("It is long: the first {count} steps are read here.", count=TOKENS))
    readings = [cache.read(reading.model.name, _cut(text, reading.trace)) for reading in readings]
    first = readings[0].trace
    step = chosen_step(text, len(first))
    panels = [
        frame.picking(
            live.unit_lines(f"unit{k}", one.model, one.trace, one.likeliest, chosen.shows, chosen.gate),
            frame.back(first, one.trace),
        )
        for k, one in enumerate(readings)
    ]
    panels += [
        live.next_words(f"next{k}", one.trace, one.next_words[at], at)
        for k, one in enumerate(readings)
        for at in [same_step(first, one.trace, step)]
    ]
    rows = [[word.text, word.first, word.last, int(word.known)] for word in words(first)]
    frame.pieces(panels, [one.trace for one in readings])
    chart({"words": rows, "step": step, "columns": len(readings), "panels": panels}, key + " chart", text)
    opens = tr("Open in Gates")
    st.markdown(f"[{opens}]({link(chosen, text, st.query_params.get('lang'))})")


def link(chosen: Try, text: str, language: str | None = None) -> str:
    """The address of the page "Gates" with this text and these models, relative to this page's, in its language."""
    query: dict[str, Any] = {"text": text, "left": chosen.left, "right": chosen.right}
    if text == chosen.text:
        query |= {name: value for name, value in (("at", chosen.at), ("unit", chosen.unit)) if value is not None}
    if language:
        query["lang"] = language
    return f"./?{urlencode(query, quote_via=lambda part, *_: quote(part, safe=''))}"


def _cut(text: str, trace: Any) -> str:
    return text if len(trace) <= TOKENS else text[: trace.tokens[TOKENS - 1].end]


def _plain(text: str) -> str:
    """Markdown's own signs in a label are escaped."""
    return "".join(f"\\{char}" if char in r"\`*_{}[]()#+-!$:<>|~" else char for char in text)


# ---- run it again


def _run(one: Experiment, found: Results | None) -> None:
    job: Job | None = st.session_state.get(JOB)
    busy = job is not None and job.running
    with st.container(horizontal=True, gap="small"):
        if one.models:
            st.button(tr("Check the shipped models"), on_click=_start, args=(one, True), disabled=busy)
        if one.minutes <= LONGEST:
            label = tr("Measure it all again")
            if found is not None:
                label = tr("Measure it all again (it took {took})", took=took(found))
            st.button(label, on_click=_start, args=(one, False), disabled=busy)
        else:
            st.caption(
                tr(
                    "To measure it all takes about {minutes:.0f} minutes, more than this page may: "
                    "`python -m lab measure {name}`.",
                    minutes=one.minutes,
                    name=one.name,
                )
            )
    if job is not None and job.label == one.name:
        st.fragment(_watch, run_every=1.0 if busy else None)(job, one, found)
    elif busy:
        st.caption(tr("Something else is being measured or trained; this can start when it is over."))


def _start(one: Experiment, check: bool) -> None:
    seconds = 60 * LONGEST
    arguments = ["check" if check else "measure", one.name, "--lines", "--seconds", str(seconds), "--out"]
    try:
        begin("lab", arguments, seconds + 30, one.name, take=_take)
    except Busy as error:
        st.toast(tr(error.args[0]))


def _take(job: Job) -> None:
    """What was measured, wherever the visitor is by now."""
    path = job.folder / f"{job.label}.json"
    if path.exists():
        again = Results.parse(json.loads(path.read_text(encoding="utf-8")))
        st.session_state.setdefault(AGAIN, {})[job.label] = again


def _cancel() -> None:
    job: Job | None = st.session_state.pop(JOB, None)
    if job is not None:
        job.end()


def _watch(job: Job, one: Experiment, found: Results | None) -> None:
    """Progress while it runs, and what came of it."""
    said = job.said
    if job.ends_now():
        st.rerun()
    if job.running:
        told = next((line for line in reversed(said) if "share" in line), {"share": 0.0, "what": mark("starting")})
        shown = tr("{what} ({seconds:.0f} s)", what=tr(from_json(told["what"])), seconds=job.elapsed)
        if job.waits:
            shown = tr(job.waits)
        st.progress(min(max(told["share"], 0.0), 1.0), shown)
        st.button(tr("Cancel"), on_click=_cancel)
    elif job.problem:
        st.error(tr("It did not come to an end. {why}", why=as_sentence(ValueError(job.problem))))
    elif checked := [line for line in said if "figure" in line]:
        st.markdown(checks(one, checked))
    elif found is not None and (again := st.session_state.get(AGAIN, {}).get(one.name)):
        st.markdown(compared(one, found, again))


def checks(one: Experiment, rows: Sequence[dict[str, Any]]) -> str:
    """What ``--check`` found, in Markdown."""
    same = sum(row["ok"] for row in rows)
    head = [tr("figure of the shipped models"), tr("when measured"), tr("on fresh texts, just now")]
    lines = [tr("**Figures that agree: {same} of {count}.**", same=same, count=len(rows)), ""]
    lines += [f"| | {' | '.join(head)} |", "| --- | --- | --- | --- |"]
    for row in rows:
        was = "" if row["was"] is None else number(row["was"])
        said = tr("agrees") if row["ok"] else tr("differs")
        lines.append(f"| {said} | {tr(one.says(row['figure']))} | {was} | {number(row['now'])} |")
    return "\n".join(lines)


def compared(one: Experiment, found: Results, again: Results) -> str:
    """What a new measurement says beside the one that the page shows, in Markdown."""
    differ = []
    for target in one.targets:
        was, now = (
            tr("not measured") if (value := target.value(measured.figures)) is None else number(value)
            for measured in (found, again)
        )
        if was != now:
            differ.append(tr("{says}: {now} instead of {was}", says=tr(target.says), now=now, was=was))
    same = {"same": len(one.targets) - len(differ), "count": len(one.targets)}
    text = sentences(
        tr("**Just now, in {took}: {same} of {count} figures came out as before, to three digits.**",
           took=took(again), **same),
        tr("{said}.", said=count(one, again)),
    )  # fmt: skip
    return sentences(text, tr("Different: {figures}.", figures=tr("; ").join(differ))) if differ else text
