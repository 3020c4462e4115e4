"""nginx and Varnish on this machine, each as docs/caches.md configures it, in a folder of its own."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from paywall.errors import BadInput, Unavailable

HERE = Path(__file__).parent
HOST = "127.0.0.1"
# Debian puts servers where a plain user's PATH does not look.
MORE_PLACES = ("/usr/sbin", "/usr/local/sbin", "/sbin")
START, STOP = 20.0, 10.0
AROUND_NGINX = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/errors.txt;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {ours}
}}
"""
# Harder than the configuration of the docs: what says `no-cache` is kept, and asked for anew each time, as
# the standard allows (RFC 9111, 5.2.2.4) and some networks do. Not for production: requests would queue up.
KEEPS_MORE = """
sub vcl_backend_response {
    if (beresp.was_304) {
        set beresp.http.X-Cache = "REVALIDATED";
    }
    if (beresp.http.Cache-Control ~ "public" && beresp.http.Cache-Control ~ "no-cache"
        && !beresp.http.Set-Cookie) {
        set beresp.ttl = 0.001s; // with 0s Varnish would keep nothing
        set beresp.grace = 0s;
        set beresp.keep = 10m;
        return (deliver);
    }
}
"""


@dataclass(frozen=True, slots=True)
class Kind:
    """A caching proxy that we can start. `command(program, folder, port, site)` writes its configuration."""

    name: str
    binary: str
    package: str
    command: Callable[[str, Path, int, str], Sequence[str]]


@contextmanager
def running(name: str, program: str | None, site: str, folder: Path) -> Iterator[str]:
    """The address of a proxy before `site` (host and port), while it runs. Raises BadInput, Unavailable."""
    kind = KINDS[name]
    found, port = _program(kind, program), free_port()
    command = kind.command(found, folder, port, site)
    with (folder / "output.txt").open("w+") as output:
        # A group of its own, so that what ends it reaches all of it, and what ends us nothing of it.
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, process_group=0
        )
        try:
            _wait(process, port, lambda: f"{kind.name} did not start:\n{_said(folder)}")
            yield f"http://{HOST}:{port}"
        finally:
            stop(process)


def stop(process: "subprocess.Popen[bytes]", seconds: float = STOP) -> None:
    """End a process that leads a group of its own; what is left of the group after `seconds` is killed."""
    process.terminate()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def free_port() -> int:
    """A port of this machine that nobody listens at, at least a moment ago."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _nginx(program: str, folder: Path, port: int, site: str) -> Sequence[str]:
    ours = _filled(
        "nginx.conf",
        {
            "/var/cache/nginx/paywall": f"{folder}/kept",
            "listen 80;": f"listen {HOST}:{port};",
            "http://127.0.0.1:8000;": f"http://{site};",
        },
    )
    place = folder / "nginx.conf"
    place.write_text(AROUND_NGINX.format(folder=folder, ours=ours))
    return program, "-p", str(folder), "-e", str(folder / "errors.txt"), "-c", str(place)


def _varnish(program: str, folder: Path, port: int, site: str) -> Sequence[str]:
    address = urlsplit(f"//{site}")
    ours = _filled(
        "varnish.vcl",
        {
            '.host = "127.0.0.1";': f'.host = "{address.hostname}";',
            '.port = "8000";': f'.port = "{address.port or 80}";',
        },
    )
    place = folder / "varnish.vcl"
    place.write_text(ours + KEEPS_MORE)
    # No jail: as root it would need users that only the running service has, and its folder opened to them.
    options = ("-F", "-j", "none", "-T", "none", "-s", "malloc,16m", "-n", str(folder / "varnish"))
    return program, *options, "-a", f"{HOST}:{port}", "-f", str(place)


KINDS = {
    "nginx": Kind("nginx", "nginx", "nginx", _nginx),
    "varnish": Kind("Varnish", "varnishd", "varnish", _varnish),
}


def _program(kind: Kind, given: str | None) -> str:
    places = os.pathsep.join((os.environ.get("PATH", ""), *MORE_PLACES))
    found = shutil.which(given or kind.binary, path=places)
    if found is None:
        missing = f"there is no program {given}" if given else f"{kind.binary} is not installed"
        raise BadInput(f"{kind.name} cannot be started, {missing}: apt-get install {kind.package}")
    return found


def _filled(name: str, places: Mapping[str, str]) -> str:
    text = (HERE / name).read_text()
    for before, after in places.items():
        assert before in text, before
        text = text.replace(before, after)
    return text


def _wait(process: "subprocess.Popen[bytes]", port: int, failure: Callable[[], str]) -> None:
    deadline = time.monotonic() + START
    while process.poll() is None and time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex((HOST, port)) == 0:
                return
        time.sleep(0.02)
    raise Unavailable(failure())


def _said(folder: Path) -> str:
    places = (folder / "output.txt", folder / "errors.txt")
    return "".join(place.read_text(errors="replace") for place in places if place.exists()).strip()
