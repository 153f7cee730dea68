"""A server on loopback that answers as the Hugging Face Hub does, for one repository."""

from __future__ import annotations

import hashlib
import json
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from .seeded_registry import git_digest
from .server import LoopbackServer

REPOSITORY = "someone/sounds"
REVISION = "0123456789abcdef0123456789abcdef01234567"


class HubServer(LoopbackServer):
    """Serves the files of a folder as the repository `REPOSITORY` at the commit `REVISION`.

    - ``/api/models/REPOSITORY/revision/REVISION`` and ``…/tree/REVISION``: the list of files
    - ``/REPOSITORY/resolve/REVISION/FILE``: a file; of weights, a redirection to another host, as
      the Hub redirects to its storage

    Other repositories, revisions and files get the status, the code and the words of the Hub. If
    `token` is set, so does a request without it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.token: str | None = None
        self.requests: list[str] = []
        self.stored_headers: list[dict[str, str]] = []
        super().__init__(type("Handler", (_Handler,), {"hub": self}))

    @property
    def storage(self) -> str:
        return f"http://localhost:{self._http.server_port}/storage"


class _Handler(BaseHTTPRequestHandler):
    hub: HubServer

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = self.path.partition("?")[0].lstrip("/")
        self.hub.requests.append(f"{self.command} {path}")
        if path.startswith("storage/"):
            self.hub.stored_headers.append({k.lower(): v for k, v in self.headers.items()})
            data = (self.hub.folder / path.removeprefix("storage/")).read_bytes()
            self._answer(200, data, {"Content-Type": "application/octet-stream"})
        elif path.removeprefix("api/models/").startswith(f"{REPOSITORY}/") and self._may():
            if path == f"api/models/{REPOSITORY}/revision/{REVISION}":
                self._answer(200, json.dumps(self._facts()).encode())
            elif path == f"api/models/{REPOSITORY}/tree/{REVISION}":
                self._answer(200, json.dumps(self._tree()).encode())
            elif not path.startswith(f"{REPOSITORY}/resolve/{REVISION}/"):
                self._refuse(404, "RevisionNotFound", "Invalid rev id: no such commit")
            else:
                self._send_file(path.split("/", 4)[4])
        else:
            self._refuse(401, "RepoNotFound", "Repository not found")

    def _may(self) -> bool:
        return self.hub.token in (
            None,
            self.headers.get("Authorization", "").removeprefix("Bearer "),
        )

    def _facts(self) -> dict:
        siblings = [{"rfilename": entry["path"]} for entry in self._tree()]
        return {"id": REPOSITORY, "sha": REVISION, "tags": [], "siblings": siblings}

    def _tree(self) -> list[dict]:
        files = sorted(self.hub.folder.iterdir())
        return [
            {
                "type": "file",
                "path": file.name,
                "size": file.stat().st_size,
                "oid": git_digest(file.read_bytes()).partition(":")[2],
            }
            for file in files
        ]

    def _send_file(self, name: str) -> None:
        file = self.hub.folder / name
        if not file.is_file():
            self._refuse(404, "EntryNotFound", "Entry not found")
            return
        data = file.read_bytes()
        headers = {"X-Repo-Commit": REVISION, "ETag": f'"{git_digest(data).partition(":")[2]}"'}
        if file.suffix == ".safetensors":
            headers["X-Linked-Size"] = str(len(data))
            headers["X-Linked-ETag"] = f'"{hashlib.sha256(data).hexdigest()}"'
            self._answer(302, b"", {**headers, "Location": f"{self.hub.storage}/{name}"})
        else:
            self._answer(200, data, headers)

    def _refuse(self, status: int, code: str, words: str) -> None:
        self._answer(status, b"{}", {"X-Error-Code": code, "X-Error-Message": words})

    def _answer(self, status: int, data: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Write nothing to standard error."""
