"""How much of visitors' uploads waits in memory until a page takes it. Streamlit limits each file and no session: one
that shows no uploader could be sent files without end.
"""

from __future__ import annotations

import threading

from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFileRec

A_SESSION, ALL = 150 << 20, 450 << 20
"""Bytes; as much as the files of one model may have together, and of all sessions. The page takes a file at once: what
is still here when there is no more room is what nobody has asked for, and the oldest goes."""


def bound() -> None:
    """Bound what Streamlit keeps. For every run: the first one does it."""
    context = get_script_run_ctx(suppress_warning=True)
    manager = context.uploaded_file_mgr if context else None
    if type(manager) is MemoryUploadedFileManager:
        manager.__class__ = Bounded  # the server's routes have this very object


class Bounded(MemoryUploadedFileManager):
    _order: dict[tuple[str, str], int]

    def add_file(self, session_id: str, file: UploadedFileRec) -> None:
        super().add_file(session_id, file)
        with _adding:
            order = self.__dict__.setdefault("_order", {})
            order[session_id, file.file_id] = len(file.data)
            for session, id in [key for key in order if not self._is_here(*key)]:
                del order[session, id]
            self._make_room({key: size for key, size in order.items() if key[0] == session_id}, A_SESSION)
            self._make_room({key: size for key, size in order.items() if self._is_here(*key)}, ALL)

    def _make_room(self, sizes: dict[tuple[str, str], int], most: int) -> None:
        """Remove the oldest files, but the last one, until the others have at most so many bytes."""
        used = sum(sizes.values())
        for session, id in list(sizes)[:-1]:
            if used <= most:
                return
            used -= sizes[session, id]
            self.remove_file(session, id)

    def _is_here(self, session_id: str, file_id: str) -> bool:
        return file_id in self.file_storage.get(session_id, {})


_adding = threading.Lock()
