"""Times in the browser, from a key or click to the paint that shows its effect, and what its websockets carry."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, WebSocket

# `seen` is looked at before every paint, as the last thing of the frame's work; a message then waits for that paint.
ARM = """
([type, seen, wanted]) => {
  const holds = new Function("wanted", `return (${seen})`)
  window.benchmark = new Promise(done => addEventListener(type, event => {
    const look = () => {
      if (!holds(wanted)) return requestAnimationFrame(look)
      const { port1, port2 } = new MessageChannel()
      port1.onmessage = () => done(performance.now() - event.timeStamp)
      port2.postMessage(0)
    }
    requestAnimationFrame(look)
  }, { capture: true, once: true }))
}
"""


def key_to_paint(page: Page, key: str, seen: str, wanted: object) -> float:
    """Milliseconds from pressing ``key`` to the paint in which ``seen``, JavaScript with ``wanted`` in it, is true."""
    return _to_paint(page, "keydown", lambda: page.keyboard.press(key), seen, wanted)


def click_to_paint(page: Page, x: float, y: float, seen: str, wanted: object) -> float:
    """The same from a click at these pixels of the window."""
    return _to_paint(page, "click", lambda: page.mouse.click(x, y), seen, wanted)


def _to_paint(page: Page, type: str, act: Callable[[], None], seen: str, wanted: object) -> float:
    page.evaluate(ARM, [type, seen, wanted])
    act()
    return page.evaluate("() => window.benchmark")


class Wire:
    """Bytes of each websocket message of a page. Make it before the page opens its address."""

    def __init__(self, page: Page) -> None:
        self.sent: list[int] = []
        self.received: list[int] = []
        page.on("websocket", self._watch)

    def _watch(self, socket: WebSocket) -> None:
        socket.on("framesent", lambda data: self.sent.append(len(data)))
        socket.on("framereceived", lambda data: self.received.append(len(data)))

    def clear(self) -> None:
        self.sent.clear()
        self.received.clear()

    def total(self) -> int:
        return sum(self.sent) + sum(self.received)
