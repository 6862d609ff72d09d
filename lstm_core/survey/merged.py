"""The parts of a survey as one, in their order: a result that does not depend on who worked on which, nor when."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from lstm_core.say import say
from lstm_core.survey import summary, tables
from lstm_core.survey.folder import Folder, let_go
from lstm_core.survey.summary import Group, Groups, Kept


def merged(folder: Folder, kept: Kept) -> tuple[Groups, list[dict[str, Any]]]:
    """What was counted in all parts that are done, and what is noted of each (first, documents, steps, number).

    Raises ValueError for a file that cannot be read.
    """
    groups: Groups = {}
    notes = []
    for number in folder.parts("summaries"):
        path = folder.part("summaries", number)
        try:
            part, about = tables.from_table(pq.read_table(path))
        except (pa.ArrowException, OSError, KeyError, ValueError, TypeError) as error:
            raise ValueError(
                say("{path} is damaged: remove it and call survey again ({error})", path=str(path), error=str(error))
            ) from error
        new = {key: _wide(group) for key, group in part.items() if key not in groups}
        groups = summary.merge(groups, {**part, **new}, kept)
        del part, new
        let_go()
        notes.append({**about, "number": number})
    return groups, notes


def _wide(group: Group) -> Group:
    """With counts that have room for those of all parts."""
    counts = {name: group.state[name].astype(np.int64) for name in ("histogram", "chosen")}
    return replace(group, state={**group.state, **counts})
