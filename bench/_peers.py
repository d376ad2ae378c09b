"""Two good time-series databases, started for a measurement: VictoriaMetrics and Prometheus.

Both take Prometheus' remote write: a protobuf message, compressed by snappy, in an HTTP request.
Source: prometheus/prometheus, prompb/remote.proto and prompb/types.proto (WriteRequest 1:
TimeSeries 1: Label 1: name, 2: value; TimeSeries 2: Sample 1: double, 2: int64).
"""

import http.client
import json
import os
import shutil
import socket
import struct
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import cramjam
import numpy as np
from numpy.typing import NDArray

PATIENCE_S = 30
PROGRAMS = {"VictoriaMetrics": "victoria-metrics", "Prometheus": "prometheus"}
REMARKS = {"Prometheus": " (most of it its log: it compacts after two hours, to 1 to 2 bytes)"}


@dataclass
class Peer:
    """A running server. ``cpu_s`` and ``disk`` hold once it has been stopped."""

    name: str
    port: int
    process: "subprocess.Popen[bytes]"
    data: Path
    ready_cpu_s: float = 0.0
    cpu_s: float = 0.0
    disk: int = 0

    def write(self, messages: Sequence[bytes]) -> None:
        """Send remote-write messages one after the other over one connection."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        headers = {
            "Content-Encoding": "snappy",
            "Content-Type": "application/x-protobuf",
            "X-Prometheus-Remote-Write-Version": "0.1.0",
        }
        for message in messages:
            connection.request("POST", "/api/v1/write", message, headers)
            answer = connection.getresponse()
            body = answer.read()
            if answer.status not in {200, 204}:
                raise RuntimeError(f"{self.name} answered {answer.status}: {body[:200]!r}")
        connection.close()

    def ask(self, path: str, **parameters: object) -> bytes:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        connection.request("GET", f"{path}?{urlencode(parameters)}")
        body = connection.getresponse().read()
        connection.close()
        return body

    def stop(self) -> None:
        """End it in peace, so that it writes what it still holds, and note what it took."""
        self.process.terminate()
        _, _, usage = os.wait4(self.process.pid, 0)
        self.process.returncode = 0
        self.cpu_s = usage.ru_utime + usage.ru_stime - self.ready_cpu_s
        self.disk = sum(file.stat().st_blocks * 512 for file in self.data.rglob("*"))


@contextmanager
def running(name: str) -> Iterator[Peer]:
    """Start a server on a free port with an empty folder."""
    folder = Path(tempfile.mkdtemp(prefix="mh-bench-"))
    port = _free_port()
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(_command(name, folder, port), stdout=log, stderr=log)
    peer = Peer(name, port, process, folder / "data")
    try:
        _wait(peer)
        peer.ready_cpu_s = cpu_s(process.pid)
        yield peer
    finally:
        if process.returncode is None and process.poll() is None:
            process.kill()
            process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _command(name: str, folder: Path, port: int) -> list[str]:
    program = f"/usr/bin/{PROGRAMS[name]}"
    if name == "VictoriaMetrics":
        return [
            program,
            f"-storageDataPath={folder / 'data'}",
            f"-httpListenAddr=127.0.0.1:{port}",
            "-selfScrapeInterval=0",
        ]
    (folder / "none.yml").write_text("scrape_configs: []\n")
    return [
        program,
        f"--config.file={folder / 'none.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--web.enable-remote-write-receiver",
    ]


def _wait(peer: Peer) -> None:
    path = "/health" if peer.name == "VictoriaMetrics" else "/-/ready"
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", peer.port, timeout=1)
            connection.request("GET", path)
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass
        if peer.process.poll() is not None:
            break
        time.sleep(0.05)
    raise RuntimeError(f"{peer.name} did not start")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_installed(name: str) -> bool:
    return Path(f"/usr/bin/{PROGRAMS[name]}").exists()


def cpu_s(pid: int, *, outlived: bool = False) -> float:
    """Seconds of CPU that a process has used so far, or its children that have ended.

    Source: proc(5), /proc/[pid]/stat, fields 14 to 17.
    """
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    first = 13 if outlived else 11
    return (int(fields[first]) + int(fields[first + 1])) / os.sysconf("SC_CLK_TCK")


class Encoder:
    """Remote-write messages of one sample of each series at one moment, by filling a template."""

    def __init__(self, resources: Sequence[str]) -> None:
        self._head = [
            _field(1, _field(1, b"__name__") + _field(2, b"power"))
            + _field(1, _field(1, b"resource") + _field(2, one.encode()))
            for one in resources
        ]
        self._template: NDArray[np.uint8] = np.empty(0, np.uint8)
        self._values: NDArray[np.int64] = np.empty(0, np.int64)
        self._times: NDArray[np.int64] = np.empty(0, np.int64)

    def encode(self, at_ms: int, values: NDArray[np.float64]) -> bytes:
        moment = _varint(at_ms)
        if not len(self._template):
            self._lay_out(len(moment))
        self._template[self._values] = values.view(np.uint8).reshape(-1, 8)
        self._template[self._times] = np.frombuffer(moment, np.uint8)
        return bytes(cramjam.snappy.compress_raw(self._template.data))

    def _lay_out(self, moment: int) -> None:
        sample = b"\x09" + bytes(8) + b"\x10" + bytes(moment)
        series = [_field(1, head + _field(2, sample)) for head in self._head]
        ends = np.cumsum([len(one) for one in series])
        self._template = np.frombuffer(b"".join(series), np.uint8).copy()
        self._times = (ends - moment)[:, None] + np.arange(moment)
        self._values = (ends - moment - 9)[:, None] + np.arange(8)


def history(resource: str, at: Sequence[int], values: Sequence[float]) -> bytes:
    """One message with many samples of one series."""
    samples = b"".join(
        _field(2, b"\x09" + struct.pack("<d", value) + b"\x10" + _varint(moment))
        for moment, value in zip(at, values, strict=True)
    )
    head = _field(1, _field(1, b"__name__") + _field(2, b"power"))
    head += _field(1, _field(1, b"resource") + _field(2, resource.encode()))
    return bytes(cramjam.snappy.compress_raw(_field(1, head + samples)))


def _field(number: int, content: bytes) -> bytes:
    return bytes([number << 3 | 2]) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def averages(peer: Peer, resource: str, start_s: int, end_s: int) -> list[float]:
    """Five-minute averages of one series, as the peer's own query language says it."""
    body = peer.ask(
        "/api/v1/query_range",
        query=f'avg_over_time(power{{resource="{resource}"}}[5m])',
        start=start_s + 300,
        end=end_s,
        step=300,
        nocache=1,
    )
    result = json.loads(body)["data"]["result"]
    return [float(value) for _, value in result[0]["values"]] if result else []
