"""The way to Debian's packages for a machine that reaches only this one: a proxy for its apt that keeps what it got.

Run as a program it listens on this machine's end of the cable, where nobody else is, and fetches as this machine can.
"""

import hashlib
import os
import shutil
import sys
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from lab import place, ports, processes
from lab.debian_host.host import Host
from lab.errors import LabError

_START_SECONDS = 20.0
_FETCH_SECONDS = 60.0
_APT_CONF = "/etc/apt/apt.conf.d/90proxy"


def bring(host: Host) -> str:
    """Let the machine's apt install packages; the proxy's address as the machine sees it. Raises LabError."""
    (port,) = ports.free(1)
    log = host.place.dir / "packages.log"
    processes.spawn(
        [sys.executable, "-m", __name__, host.gateway, str(port)],
        lab_id=host.place.id,
        log=log,
        env={
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "XDG_CACHE_HOME": str(place.cache().parents[1]),
            **{name: value for name, value in os.environ.items() if name.lower().endswith("_proxy")},
        },
    )
    if not processes.wait(lambda: ports.answers(port, host.gateway), _START_SECONDS):
        raise LabError(f"the way to Debian's packages does not open; the log is {log}")
    address = f"http://{host.gateway}:{port}"
    host.run(f"echo 'Acquire::http::Proxy \"{address}\";' >{_APT_CONF}")
    return address


class _Apt(BaseHTTPRequestHandler):
    """Answers what apt asks a proxy: GET of a whole URL."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Hand a file on, from the cache where it is a package: those never change under their name."""
        url = urlsplit(self.path)
        if url.scheme != "http" or not {"dists", "pool"} & set(url.path.split("/")):
            self.send_error(403, "for packages alone")
            return
        kept = place.cache() / "packages" / hashlib.sha256(self.path.encode()).hexdigest()
        if url.path.endswith(".deb") and kept.exists():
            self._send(kept)
            return
        fresh = kept.with_suffix(f".{os.getpid()}-{id(self)}")
        fresh.parent.mkdir(exist_ok=True)
        try:
            wanted = {name: value for name in ("If-Modified-Since",) if (value := self.headers[name])}
            request = urllib.request.Request(self.path, headers=wanted)
            with urllib.request.urlopen(request, timeout=_FETCH_SECONDS) as answer, fresh.open("wb") as file:
                shutil.copyfileobj(answer, file)
            if url.path.endswith(".deb"):
                fresh.rename(kept)
                self._send(kept)
            else:
                self._send(fresh, answer.headers.get("Last-Modified"))
        except urllib.error.HTTPError as error:
            error.close()
            self.send_response(error.code)
            self.send_header("Content-Length", "0")
            self.end_headers()
        except OSError as error:
            self.send_error(502, str(error))
        finally:
            fresh.unlink(missing_ok=True)

    def _send(self, file: Path, modified: str | None = None) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(file.stat().st_size))
        if modified:
            self.send_header("Last-Modified", modified)
        self.end_headers()
        with file.open("rb") as content:
            shutil.copyfileobj(content, self.wfile)


if __name__ == "__main__":
    ThreadingHTTPServer((sys.argv[1], int(sys.argv[2])), _Apt).serve_forever()
