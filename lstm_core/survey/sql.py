"""SQL over a survey's files, by DuckDB, which sees these files and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyarrow as pa

from lstm_core.say import say
from lstm_core.survey.folder import TABLES, Folder


def ask(folder: Folder, views: Mapping[str, pa.Table], parts: Sequence[int], query: str) -> pa.Table:
    """views: tables that lie in memory; the others are read from their files. See ``Survey.sql``."""
    try:
        import duckdb
    except ImportError as error:
        raise ImportError("SQL needs DuckDB: pip install 'gatescope[survey]'") from error
    whole = {name: folder.path / f"{name}.parquet" for name in TABLES if name not in views}
    files = [folder.part("documents", number) for number in parts]
    for path in (*whole.values(), *files):
        folder.note(path)  # or it says what is wrong with it
    with duckdb.connect(":memory:") as connection:
        try:
            for name, view in views.items():
                connection.register(name, view)
            for name, paths in {**{name: [path] for name, path in whole.items()}, "documents": files}.items():
                connection.execute(f"create view {name} as select * from read_parquet({_quoted(paths)})")
            connection.execute(f"set allowed_directories = {_quoted([folder.path])}")
            connection.execute("set enable_external_access = false")
            connection.execute("set lock_configuration = true")
            answer = connection.sql(query)
            if answer is None:
                raise ValueError(say("the query cannot be answered: it gives no table"))
            return answer.to_arrow_table()
        except duckdb.Error as error:
            raise ValueError(say("the query cannot be answered: {error}", error=str(error))) from error


def _quoted(paths: Sequence[object]) -> str:
    return "[" + ", ".join("'" + str(path).replace("'", "''") + "'" for path in paths) + "]"
