"""A Firefox as it is installed, driven by its own protocol, Marionette: Playwright drives builds of its own."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from benchmarks.browser import free_port


def find_firefox() -> str | None:
    return next((path for path in map(shutil.which, ("firefox-esr", "firefox")) if path), None)


class Firefox:
    """One window. Raises RuntimeError with Firefox's own words where it cannot do what it is told."""

    def __init__(self, port: int) -> None:
        self._socket = _connected(port)
        self._count = 0
        self._read()  # what it says of itself
        self.tell("WebDriver:NewSession", {"capabilities": {"alwaysMatch": {"acceptInsecureCerts": False}}})

    def tell(self, command: str, parameters: dict[str, Any]) -> Any:
        self._count += 1
        message = json.dumps([0, self._count, command, parameters]).encode()
        self._socket.sendall(b"%d:%s" % (len(message), message))
        _, _, error, result = self._read()
        if error:
            raise RuntimeError(error["message"])
        return result

    def goto(self, url: str) -> None:
        self.tell("WebDriver:Navigate", {"url": url})

    def evaluate(self, function: str, *arguments: Any) -> Any:
        """What a function, in JavaScript, returns or promises."""
        script = f"const given = [...arguments], done = given.pop(); Promise.resolve(({function})(...given)).then(done)"
        told = {"script": script, "args": list(arguments), "sandbox": None}
        return self.tell("WebDriver:ExecuteAsyncScript", told)["value"]

    def wait_for(self, condition: str) -> None:
        """Until a condition, in JavaScript, holds; as long as a script may take."""
        look = f"const look = () => ({condition}) ? done() : setTimeout(look, 50)"
        self.evaluate(f"() => new Promise(done => {{ {look}; look() }})")

    def close(self) -> None:
        self._socket.close()

    def _read(self) -> Any:
        length = b""
        while (byte := self._some(1)) != b":":
            length += byte
        message = b""
        while len(message) < int(length):
            message += self._some(int(length) - len(message))
        return json.loads(message)

    def _some(self, most: int) -> bytes:
        if not (found := self._socket.recv(most)):
            raise RuntimeError("Firefox has ended")
        return found


def _connected(port: int, seconds: float = 60) -> socket.socket:
    begun = time.perf_counter()
    while True:
        with suppress(OSError):
            return socket.create_connection(("127.0.0.1", port), timeout=60)
        if time.perf_counter() - begun > seconds:
            raise RuntimeError("Firefox does not answer")
        time.sleep(0.1)


@contextmanager
def firefox(path: str) -> Iterator[Firefox]:
    """A Firefox without a window, a profile or a network."""
    port = free_port()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        wanted = {"marionette.port": port, "network.proxy.type": 1, "network.proxy.http": "127.0.0.1"}
        wanted |= {"network.proxy.http_port": 9, "network.proxy.ssl": "127.0.0.1", "network.proxy.ssl_port": 9}
        lines = (f'user_pref("{name}", {json.dumps(value)});' for name, value in wanted.items())
        Path(profile, "user.js").write_text("\n".join(lines), encoding="utf-8")
        run = [path, "--headless", "--no-remote", "--marionette", "--profile", profile]
        process = subprocess.Popen(run, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            with closing(Firefox(port)) as one:
                yield one
        finally:
            process.kill()
            process.wait()
