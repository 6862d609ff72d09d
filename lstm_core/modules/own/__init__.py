"""A module that writes its recurrence itself -> its trace: by a declared cell, by a step of the caller's, or by its
submodules. What ``lstm_core.trace_cell`` does."""
