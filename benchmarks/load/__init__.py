"""Many viewers of one server, each a websocket that says what the page in a browser says: no browser is needed.

``python -m benchmarks.load`` lists what can be measured; each command writes its block of load.md.
"""

from benchmarks.load.viewer import Failed, Viewer

__all__ = ["Failed", "Viewer"]
