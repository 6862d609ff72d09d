"""The page "Compare": whether two models do the same with the text, where they part, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from dashboard import compared, frame
from dashboard.cache import typed
from dashboard.compared import STEPS, Side
from dashboard.controls.kept import kept_option
from dashboard.controls.text import inline, plain
from dashboard.figures import comparing as draw
from dashboard.frame import Context, Reach
from dashboard.language import mark, tr
from dashboard.library import owner
from dashboard.session import keeps
from dashboard.state import YOURS
from dashboard.workers import BUSY
from dashboard.workers import YOURS as YOURS_FIRST
from lstm_core.comparing.result import Comparison
from lstm_core.drawing.panel import quoted
from lstm_core.files.limits import reason

if TYPE_CHECKING:
    from dashboard.yours.session import Place
    from dashboard.yours.upload import Upload

KEY = "compare"
OTHER = keeps("other model")
"""Under this name the session keeps the file that the left model is compared with: a ``Place``."""
KEPT = "compared"
"""Under this name it keeps what was last compared, and what came of it."""
RIGHT, FILE, COPY = mark("the model on the right"), mark("a file of yours"), mark("a copy with a fault")


REACH = Reach(lambda shown: STEPS, mark("Two models that part do so early."))


@frame.page(mark("Compare"), order=6, reach=REACH)
def page(here: Context) -> None:
    st.caption(
        tr(
            "Was a model converted as it should be? A is the model on the left, and both read the same. If they part, "
            "what is known to go wrong between frameworks is exchanged until they agree."
        )
    )
    settings = here.scene.settings
    brought = YOURS in (settings.left, settings.right) and settings.left != settings.right
    left, right = st.columns([2, 3], vertical_alignment="bottom")
    with left:
        beside = kept_option("beside", tr("B is"), [RIGHT, FILE, COPY] if brought else [COPY, FILE, RIGHT])
    a, own = _side(here, 0)
    b, theirs, stamp = None, None, ""
    with right:
        if beside == FILE:
            if (place := _file()) is not None:
                b, theirs, stamp = *_given(place), place.stamp() or ""
        elif beside == RIGHT:
            b, theirs = _side(here, 1)
            stamp = f"{b.name} {_stamp(theirs)}"
        else:
            fault = kept_option("fault", tr("The fault"), compared.faults(a))
            b, stamp = compared.planted(a, fault), fault
    if b is None:
        return
    if said := _by_whose_vocabulary(here, (a, b), theirs, beside):
        st.caption(inline(said))
    key = here.text, a.name, _stamp(own), beside, stamp
    if st.session_state.get(KEPT, (None,))[0] != key:
        st.session_state[KEPT] = key, _answer(here, a, b, own, visitors=own is not None or theirs is not None)
    found = st.session_state[KEPT][1]
    if isinstance(found, Comparison):
        _draw(here, found, (a.name, tr(COPY) if beside == COPY else b.name))
        return
    if found in (BUSY, YOURS_FIRST):
        del st.session_state[KEPT]  # the next run asks again
    st.info(plain(tr("A and B cannot be compared: {reason}.", reason=found), 600))


def _side(here: Context, side: int) -> tuple[Side, Upload | None]:
    """What stands on a side, and the visitor's file if it is one."""
    network, place = here.scene.models[side], owner()
    if network.name == YOURS and place is not None and place.used() is not None:
        return _given(place)
    return Side.of(network), None


def _given(place: Any) -> tuple[Side, Upload | None]:
    """The model in a visitor's file; of a ``Place`` that has one."""
    from dashboard import comparison  # only where there is one: no other page waits for it

    return comparison.given(place.upload), place.upload


def _stamp(upload: Upload | None) -> str:
    place = owner()
    return place.stamp() or "" if upload is not None and place is not None else ""


def _file() -> Place | None:
    """The file that is compared with, once there is one; what it still needs."""
    from dashboard.yours import about
    from dashboard.yours.panel import KINDS, READ_AS, question, unused
    from dashboard.yours.session import Place
    from dashboard.yours.widgets import uploader

    here: Place = st.session_state.setdefault(OTHER, Place(name="other"))
    here.used()
    if here.problem:
        st.error(plain(tr(here.problem), 600))
    unused(here)
    if here.gone:
        said = tr("It was let go of, for nobody had looked at it for a while. Choose {file} again.", file=here.gone)
        st.info(plain(said, 300))
    if here.upload is not None:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f"**{plain(here.upload.file)}**, {about.title(here.upload.chosen())}", width="content")
            st.button(tr("Remove"), type="tertiary", key=f"{KEY} remove", on_click=here.clear)
        return here
    if here.question is not None:
        question(here, here.question)
    else:
        text = tr("{kinds}. {read}", kinds=tr(KINDS), read=tr(READ_AS))
        uploader(tr("The file to compare with"), text, "file", here, here.take_all)
    return None


def _answer(here: Context, a: Side, b: Side, own: Upload | None, visitors: bool) -> Comparison | str:
    """What came of it, or why nothing did."""
    try:
        if not visitors:
            return compared.answered(a, b, _ids(here))
        from dashboard import comparison

        x = _ids(here) if own is None else comparison.input_of(own, here.text)
        return comparison.apart(a, b, x)
    except ValueError as error:
        return reason(error)  # and not the error, which would keep both models in memory


def _by_whose_vocabulary(here: Context, sides: tuple[Side, Side], theirs: Upload | None, beside: str) -> str | None:
    """By whose vocabulary both read the text, where B has one that it does not share with A. theirs: B's file."""
    network, right = here.scene.models
    other = theirs.vocabulary if theirs is not None else right.tokenizer if right.reads_words else None
    if beside == COPY or not network.reads_words or other is None:
        return None
    names = {"a": sides[0].name, "b": sides[1].name}
    tokens = here.scene.traces[0].tokens
    rows = {(token.start, token.end): token.id for token in other.encode(typed(here.text, other))}
    for token in tokens:
        row = rows.get((token.start, token.end))
        if row is None:
            return tr(
                "Both read the text by the vocabulary of A ({a}). That of B ({b}) cuts it in another way, first at "
                "{word}.",
                word=quoted(token.text),
                **names,
            )
        if row != token.id:
            return tr(
                "Both read the text by the vocabulary of A ({a}). In that of B ({b}), {word} is row {row}, not "
                "{other}.",
                word=quoted(token.text),
                row=row,
                other=token.id,
                **names,
            )
    return tr("Both read the text by the vocabulary of A ({a}); that of B ({b}) has the same rows for it.", **names)


def _ids(here: Context) -> np.ndarray:
    return np.array([token.id for token in here.scene.traces[0].tokens], np.intp)


def _draw(here: Context, found: Comparison, names: tuple[str, str]) -> None:
    trace = here.scene.traces[0]
    panels = [draw.verdict("verdict", trace, found, names), draw.growth("growth", trace, found)]
    panels += [draw.why("why", found)] * (not found.equal)
    here.chart(KEY, panels, [trace])  # B reads what A reads
