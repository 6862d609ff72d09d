"""What the library advises in Python, with what the page says in its place: its visitors click, and call nothing.

``dashboard.language`` looks here before it translates, so that whatever is shown in whichever room is the page's.
"""

from __future__ import annotations

from collections.abc import Mapping

from lstm_core.say import mark

HERE: Mapping[str, str] = {
    # ---- of a file
    '{holds}. If these are recurrent weights under other names, say which is which: load(..., names={{"...": '
    '"weight_ih_l0", "...": "weight_hh_l0"}})': mark(
        "{holds}. If these are recurrent weights under other names, save them under PyTorch's (weight_ih_l0, "
        "weight_hh_l0, bias_ih_l0, bias_hh_l0) and choose that file"
    ),
    "the file does not say which cell it holds ({choices}); pass cell='...', or cell={{block: '...'}} where blocks "
    "differ": mark("the file does not say which cell it holds ({choices})"),
    "this is one of Gatescope's own models: lstm_core.Network.load reads it": mark(
        "this is one of Gatescope's own models, which are chosen above by their names"
    ),
    "this is a trace, not a network: lstm_core.Trace.from_npz reads it": mark("this is a trace, not a network"),
    "an ONNX file is read with the package onnx, which is not installed: pip install onnx": mark(
        "an ONNX file is read with the package onnx, which is not installed where this page runs; give the model in "
        "another format, or ask whoever runs the page"
    ),
    "HDF5 and Keras files are read with the package h5py, which is not installed: pip install h5py": mark(
        "HDF5 and Keras files are read with the package h5py, which is not installed where this page runs; give the "
        "model in another format, or ask whoever runs the page"
    ),
    "no step is skipped; in its model a mask from {name} skips some: pass mask=": mark(
        "no step is skipped; in its model a mask from {name} skips some"
    ),
    "{name} reads what {layers} made of its input, and these layers are not run; trace it by itself on what it reads: "
    "loaded[{name!r}].trace(...)": mark(
        "{name} reads what {layers} made of its input, and these layers are not run; give what {name} reads"
    ),
    "{name} reads vectors of {width} numbers, and these are whole numbers; the file does not say in which matrix they "
    "are looked up. If it is {matrix}: trace(loaded.others[{matrix!r}][ids])": mark(
        "{name} reads vectors of {width} numbers, and these are whole numbers; the file does not say in which matrix "
        "they are looked up. It may be {matrix}"
    ),
    # ---- of a file with a trace
    "this .npz file is not a trace that Trace.to_npz wrote": mark("this .npz file is not a trace of Gatescope's"),
    "this is not a trace that Trace.to_npz wrote: its contents are of the wrong type": mark(
        "this is not a trace of Gatescope's: its contents are of the wrong type"
    ),
    "this trace was written by an older Gatescope, which kept the signals alone; numpy.load reads these": mark(
        "this trace was written by an older Gatescope, which kept the signals alone; save it anew"
    ),
    "its cell {name!r} is not one of Gatescope's: give its class, cell=...": mark(
        "its cell {name!r} is not one of Gatescope's, so the page does not know its equations"
    ),
    # ---- of what is asked about a model
    "relevance is not shared out over steps that a mask skips: take method='integrated'": mark(
        "relevance is not shared out over steps that a mask skips"
    ),
    "relevance is not shared out through attention: take method='integrated'": mark(
        "relevance is not shared out through attention"
    ),
    "how the memory of {cell} goes on is not known: no rule such as c = f c' + i g was found in its values; give one "
    "to lstm_core.trace_cell (update=)": mark(
        "how the memory of {cell} goes on is not known: no rule such as c = f c' + i g was found in its values"
    ),
    "direction is a vector of the output, ({units},) or ({all},), not {found}; for the layer that read the text "
    "backwards say backward=True": mark(
        "the direction is {found}, and what this layer shows is ({units},), or ({all},) with both directions"
    ),
    "the rows of this trace went on from other rows, which another run may choose otherwise; trace.sequence(row) is "
    "what led to one of them, and can be run again": mark(
        "the rows of this trace went on from other rows, which another run may choose otherwise"
    ),
    "predictions need the model: intervene(trace, interventions, model)": mark("predictions need the model"),
    "a word can be swapped only with the model: intervene(trace, interventions, model)": mark(
        "a word can be swapped only with the model"
    ),
    "{signal} is forced in no unit; units=None is all of them": mark("{signal} is forced in no unit"),
    "an input is needed, compare(a, b, x): only two traces have one already": mark(
        "an input is needed: only two traces have one already"
    ),
    # ---- of texts
    "a survey is kept with pyarrow, which is not installed: pip install 'gatescope[survey]'": mark(
        "a survey is kept with the package pyarrow, which is not installed where this page runs; ask whoever runs it"
    ),
    "this needs the model: open the survey with it, open_survey(folder, model=...)": mark(
        "this needs the model that was surveyed"
    ),
    "no unit is on at every one of these steps and off beside them: choose another stretch, or fewer sides": mark(
        "no unit is on at every one of these steps and off beside them: choose another stretch"
    ),
    "this survey keeps no patterns: it was made with patterns=None": mark("this survey keeps no patterns"),
    "a survey does not keep vectors: open it with the data, open_survey(folder, data=...)": mark(
        "a survey does not keep vectors"
    ),
    "this survey keeps no texts: open it with them, open_survey(folder, data=...)": mark("this survey keeps no texts"),
    "{name} has the columns {there}: say which holds the texts, column=...": mark(
        'the columns of {name} are {there}; the one that holds the texts has to be called "text"'
    ),
    "document {number} is a text; {name} has no words: give ids or vectors, or tokenizer=...": mark(
        "document {number} is a text; {name} has no words"
    ),
    # ---- of a measurement and a training
    "this is measured with PyTorch, which is not installed: pip install torch": mark(
        "this is measured with PyTorch, which is not installed where this page runs"
    ),
    'this is not a text file; lstm_core.watch(model, to="health.csv") writes one': mark(
        "this is not a text file; the lines above write one"
    ),
    "its columns are {found}; a file that lstm_core.watch wrote has {expected}": mark(
        "its columns are {found}; a file that the lines above wrote has {expected}"
    ),
}
"""By the library's template, the page's, which takes the same values."""
