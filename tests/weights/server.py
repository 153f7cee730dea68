"""An HTTP server on loopback that serves files and misbehaves on demand."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

BEHAVIOURS = (
    "good",
    "truncated",
    "short",
    "wrong",
    "missing",
    "failing-twice",
    "stall",
    "silent",
    "redirect",
    "cut",
    "slow",
)


class LoopbackServer:
    """An HTTP server in a thread, whose requests an instance of `handler` answers."""

    def __init__(self, handler: type[BaseHTTPRequestHandler]) -> None:
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._http.daemon_threads = True
        threading.Thread(target=self._http.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}"

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()


class WeightsServer(LoopbackServer):
    """Serves the files of a folder at ``/BEHAVIOUR/NAME``.

    - good: the file
    - truncated: the connection ends before the announced length
    - short: half the file, with its length announced
    - wrong: the file with one changed byte
    - missing: status 404
    - failing-twice: status 500 for the first two requests, then the file
    - stall: half the file, then nothing
    - silent: no answer
    - redirect: a redirection to ``good``
    - cut: the connection is reset in the middle
    - slow: the file, in blocks, in about 2 s
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.requests: Counter[str] = Counter()
        self.stopping = threading.Event()
        self.started_body = threading.Event()
        super().__init__(type("Handler", (_Handler,), {"weights": self}))

    def close(self) -> None:
        self.stopping.set()
        super().close()


class _Handler(BaseHTTPRequestHandler):
    weights: WeightsServer

    def do_GET(self) -> None:
        _, behaviour, name = self.path.partition("?")[0].split("/", 2)
        assert behaviour in BEHAVIOURS
        self.weights.requests[behaviour] += 1
        file = self.weights.folder / name
        if behaviour == "missing" or not file.is_file():
            self.send_error(404)
        elif behaviour == "failing-twice" and self.weights.requests[behaviour] <= 2:
            self.send_error(500)
        elif behaviour == "silent":
            self.weights.stopping.wait(30)
        elif behaviour == "redirect":
            self.send_response(302)
            self.send_header("Location", f"/good/{name}")
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            self._send_body(behaviour, file.read_bytes())

    def _send_body(self, behaviour: str, data: bytes) -> None:
        half = len(data) // 2
        if behaviour == "wrong":
            data = data[:half] + bytes([data[half] ^ 1]) + data[half + 1 :]
        if behaviour == "short":
            data = data[:half]
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data[:half])
        self.weights.started_body.set()
        if behaviour == "truncated":
            return
        if behaviour == "stall":
            self.weights.stopping.wait(30)
            return
        if behaviour == "cut":
            # a linger time of 0 sends a reset instead of an orderly end
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            self.connection.close()
            return
        step = max(1, (len(data) - half) // 20) if behaviour == "slow" else len(data)
        for start in range(half, len(data), step):
            self.wfile.write(data[start : start + step])
            if behaviour == "slow":
                self.weights.stopping.wait(0.1)

    def log_message(self, *_: object) -> None:
        """Write nothing to standard error, which the tests read."""

    def handle(self) -> None:
        # the client closed the connection, or `cut` did
        with contextlib.suppress(ConnectionError, ValueError):
            super().handle()
