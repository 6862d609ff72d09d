"""The parts of a survey as one, in their order: a result that does not depend on who worked on which, nor when."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from lstm_core.say import say
from lstm_core.survey import summary, tables
from lstm_core.survey.folder import Folder
from lstm_core.survey.summary import Groups, Kept


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
        groups = summary.merge(groups, part, kept)
        notes.append({**about, "number": number})
    return groups, notes
