"""The part of the page Corpus that is the visitor's: texts are surveyed in a job."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from dashboard import own_texts, surveyed
from dashboard.frame import Context
from dashboard.jobs import JOB, Busy, Job, begin, resume
from dashboard.language import tr
from dashboard.session import keeps
from dashboard.state import YOURS
from dashboard.surveyed import Surveyed
from lstm_core.drawing.words import as_sentence
from lstm_core.network import Network
from lstm_core.say import say

KEY = "corpus"
OWN = keeps("own survey")
"""Under this name the session keeps what was surveyed, an ``OwnSurvey``, ..."""
ASKED = keeps("texts to survey")
"""... and under this one what is to be, an ``Asked``, while the job runs."""
SECONDS = 300.0


@dataclass(frozen=True)
class Asked:
    """What is to be surveyed. models: by their names, a visitor's own as ``YOURS``."""

    models: dict[str, Network]
    texts: Sequence[str]


@dataclass(frozen=True)
class OwnSurvey:
    """The visitor's texts, surveyed. sides: of each model of ``asked``, None where nothing was; they lie in the job's
    folder, which is there as long as the job is."""

    job: Job
    sides: list[Surveyed | None]
    asked: Asked


def section(here: Context, opened: bool) -> None:
    job: Job | None = st.session_state.get(JOB)
    mine, busy = job is not None and job.label == KEY, job is not None and job.running
    problem, cut = st.session_state.get(f"{KEY} problem"), OWN in st.session_state and st.session_state[OWN].job.cut
    with st.expander(tr("Survey your own texts"), expanded=bool(opened or mine or problem or cut)):
        st.caption(
            tr(
                "Both models above read your texts, a line a document, up to {most:,} characters. They stay in this "
                "tab and are gone with it.",
                most=own_texts.LONGEST,
            )
        )
        st.text_area(tr("Texts"), key=f"{KEY} text", height=120, placeholder=tr("Paste texts here …"))
        label, kinds = tr("or a file, .txt or .csv"), list(own_texts.KINDS)
        st.file_uploader(label, kinds, key=f"{KEY} file", max_upload_size=4)
        kind = "primary" if opened else "secondary"
        st.button(tr("Survey them"), type=kind, on_click=_start, args=(here,), disabled=busy)
        if problem:
            st.error(as_sentence(ValueError(problem)))
        if cut and not busy:
            st.button(tr("Go on with the rest"), on_click=_go_on)
        if mine and job is not None:
            st.fragment(_watch, run_every=1.0 if busy else None)(job)
        elif busy:
            st.caption(tr("Something else is being measured or trained; this can start when it is over."))


def _start(here: Context) -> None:
    st.session_state.pop(f"{KEY} problem", None)
    text, file = (st.session_state.get(f"{KEY} {name}") for name in ("text", "file"))
    chosen = {network.name if surveyed.ships(network) else YOURS: network for network in here.scene.models}
    try:
        if silent := next((network.name for network in chosen.values() if not network.reads_words), None):
            raise ValueError(say("{name} reads no words; choose a model above that does", name=silent))
        texts = own_texts.uploaded(file.name, file.getvalue()) if file is not None else own_texts.documents(text or "")
        names = ["" if name == YOURS else name for name in chosen]
        files = own_texts.wanted(names, list(chosen.values()), texts)
        begin("dashboard.own_texts", [], SECONDS, KEY, files, _take)
        st.session_state[ASKED] = Asked(chosen, texts)
    except (ValueError, Busy) as error:
        st.session_state[f"{KEY} problem"] = error.args[0]


def _go_on() -> None:
    """What has been surveyed stays shown meanwhile."""
    st.session_state.pop(f"{KEY} problem", None)
    own: OwnSurvey = st.session_state[OWN]
    try:
        resume(own.job)
        st.session_state[ASKED] = own.asked
    except Busy as error:
        st.session_state[f"{KEY} problem"] = error.args[0]


def _watch(job: Job) -> None:
    """Progress while it runs; once it is over, its surveys are the session's."""
    if job.ends_now():
        st.rerun()
    if job.running:
        said = next((line for line in reversed(job.said) if "share" in line), None)
        shown = tr(job.waits) if job.waits else tr("Starting.")
        if said is not None:
            shown = tr("{steps:,} steps, {rate:,.0f} a second, about {rest:.0f} s to go", **said)
        st.progress(min(said["share"], 1.0) if said else 0.0, shown)
        st.button(tr("Stop"), on_click=job.stop)


def _take(job: Job) -> None:
    """What was surveyed, if only in part: a job that was stopped leaves what it had."""
    from lstm_core import open_survey

    asked: Asked = st.session_state.pop(ASKED)
    st.session_state.pop(JOB, None)
    sides = []
    for k, (name, network) in enumerate(asked.models.items()):
        try:
            folder = job.folder / f"survey{k}"
            blank = surveyed.untrained(folder)
            one = Surveyed(open_survey(folder, network), network, name, asked.texts, untrained=blank)
            sides.append(one if one.units else None)
        except (ValueError, OSError):  # it was stopped before
            sides.append(None)
    if any(sides):
        st.session_state[OWN] = OwnSurvey(job, sides, asked)
        st.session_state.pop(f"{KEY} texts", None)  # and they are what is drawn
    why = job.problem or (say("it was stopped before anything was surveyed") if not any(sides) else "")
    if why:
        st.session_state[f"{KEY} problem"] = why
