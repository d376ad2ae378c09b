"""A real Ganeti cluster of one node for the tests, started and taken away again on this machine.

Debian's packages, Ganeti's own daemons, its fake hypervisor: instances are files that say that
they run. Ganeti's virtual-cluster mode makes a folder its root (GANETI_ROOTDIR) and a name its
host (GANETI_HOSTNAME); what cannot be kept in that folder is added to the machine for as long as
the cluster lives: a bridge with two addresses and a route, two lines in /etc/hosts, and an
operating system definition. All of it, and every process, is gone when the tests end; what a
killed run left behind goes when the next one starts.

    python -m tests.ganeti_cluster       starts one, shows it, and keeps it until Enter
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from meterhouse.clients import trust
from tests.patience import eventually

STATE = Path("/var/lib/mh-ganeti")  # short: the daemons' Unix sockets are deep inside
LOCK = Path("/run/lock/mh-ganeti")
NETWORK = "198.18.78"  # of RFC 2544's range for benchmarks
BRIDGE = "mhganeti0"
NAME, NODE = "gnt.mh.example", "node1.mh.example"
ADDRESS = f"{NETWORK}.11"
ROOT = STATE / NODE
HOSTS = Path("/etc/hosts")
MARK = "# meterhouse tests"
SYSTEMS = Path("/srv/ganeti/os")  # the one place that virtual clusters share with real ones
SYSTEM = SYSTEMS / "meterhouse-noop"
PACKAGES = ("ganeti", "iproute2")
READER = ("reader", "reader-pw")
WRITER = ("writer", "writer-pw")

DAEMONS = f"""
NODED_ARGS='--no-mlock -b {ADDRESS}'
RAPI_ARGS='-b {ADDRESS} --require-authentication'
CONFD_ARGS='-b {ADDRESS}'
MOND_ARGS='-b {ADDRESS}'
export GANETI_ROOTDIR='{ROOT}' GANETI_HOSTNAME='{NODE}'
systemctl() {{ echo LoadState=not-found; }}  # where systemd runs, it knows no virtual nodes
"""
SMALLEST = "disk-size=0,cpu-count=1,disk-count=0,memory-size=1,nic-count=0,spindle-use=0"
LARGEST = (
    "disk-size=1048576,cpu-count=64,disk-count=16,memory-size=262144,nic-count=8,spindle-use=12"
)
INIT = [
    *("gnt-cluster", "init", "--no-etc-hosts", "--no-ssh-init", f"--master-netdev={BRIDGE}"),
    *("--enabled-hypervisors=fake", "--enabled-disk-templates=diskless,file"),
    f"--nic-parameters=mode=bridged,link={BRIDGE}",
    f"--ipolicy-bounds-specs=min:{SMALLEST}/max:{LARGEST}",
    *("--ipolicy-vcpu-ratio=1000", "--ipolicy-spindle-ratio=1000", NAME),
]


class Missing(Exception):
    """There can be no cluster here; one line says why."""


@dataclass(frozen=True)
class Cluster:
    """A running cluster: what a user of RAPI may do to it, and what may happen to it."""

    http: httpx.Client
    url: str = f"https://{ADDRESS}:5080"
    certificate: Path = ROOT / "var/lib/ganeti/rapi.pem"

    def create(self, name: str, **wanted: Any) -> None:
        """Make an instance by a job: diskless and small unless other opcode fields are given."""
        spec = {
            "__version__": 1,
            "mode": "create",
            "name": name,
            "os": f"{SYSTEM.name}+default",
            "pnode": NODE,
            "disk_template": "diskless",
            "disks": [],
            "nics": [],
            "beparams": {"vcpus": 1, "maxmem": 16, "minmem": 16},
            "ip_check": False,
            "name_check": False,
        }
        self.job("POST", "/2/instances", spec | wanted)

    def job(self, method: str, path: str, body: object = None) -> None:
        """Have a change made, and wait until it is."""
        number = self._ask(method, path, body)
        job = wait_for(lambda: self._finished(number), 60, f"job {number} to finish")
        assert job["status"] == "success", job["opresult"]

    def _finished(self, number: int) -> dict[str, Any] | None:
        job: dict[str, Any] = self._ask("GET", f"/2/jobs/{number}")
        return job if job["end_ts"] else None

    def _ask(self, method: str, path: str, body: object = None) -> Any:
        answer = self.http.request(method, self.url + path, json=body)
        assert answer.status_code == httpx.codes.OK, answer.text
        return answer.json()

    def answers(self) -> bool:
        try:
            return self.http.get(f"{self.url}/2/info").status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    def crash(self, name: str) -> None:
        """End an instance behind Ganeti's back."""
        (ROOT / "var/run/ganeti/fake-hypervisor" / name).unlink()

    @contextmanager
    def without(self, daemon: str) -> Iterator[None]:
        """Kill a daemon, and start it again at the end."""
        pid = self._pid(daemon)
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: not alive(pid), 10, f"{daemon} to end")
        try:
            yield
        finally:
            start(daemon)

    @contextmanager
    def frozen(self, daemon: str) -> Iterator[None]:
        """Let a daemon hang, and go on at the end."""
        pid = self._pid(daemon)
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def _pid(self, daemon: str) -> int:
        return int((ROOT / f"var/run/ganeti/{daemon}.pid").read_text())


@contextmanager
def running() -> Iterator[Cluster]:
    """Start a cluster and take it away at the end. Raises Missing."""
    require()
    LOCK.parent.mkdir(parents=True, exist_ok=True)
    with LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the addresses are there once a machine
        try:
            remove()
            build()
            trusted = trust.pinned(trust.of_file(str(Cluster.certificate)))
            with httpx.Client(verify=trusted, auth=WRITER, timeout=60, trust_env=False) as http:
                cluster = Cluster(http)
                wait_for(cluster.answers, 30, "RAPI to answer")
                yield cluster
        finally:
            remove()


def require() -> None:
    """Install what is missing, or say in one line what it is. Raises Missing."""
    if os.geteuid() != 0:
        raise Missing("a real Ganeti cluster needs root")
    lacking = [name for name in PACKAGES if not installed(name)]
    if not lacking:
        return
    if not shutil.which("apt-get"):
        raise Missing(f"missing Debian's packages {' '.join(lacking)}")
    quietly = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *lacking]
    for command in (["apt-get", "update", "-qq"], install):
        done = subprocess.run(command, env=quietly, capture_output=True, text=True, check=False)
        if done.returncode:
            raise Missing(f"{' '.join(command)}: {done.stderr.strip().splitlines()[-1:]}")


def installed(package: str) -> bool:
    query = ["dpkg-query", "-W", "-f", "${Status}", package]
    try:
        said = subprocess.run(query, capture_output=True, text=True, check=False).stdout
    except FileNotFoundError:
        return False
    return said.endswith("ok installed")


def build() -> None:
    """Make the folder, the machine's additions, and the cluster in them."""
    for folder in ("etc/default", "etc/ganeti", "var/lock", "srv/ganeti/file-storage"):
        (ROOT / folder).mkdir(parents=True)
    for folder in ("lib", "log", "run"):
        (ROOT / "var" / folder / "ganeti").mkdir(parents=True)
    (ROOT / "etc/ganeti/file-storage-paths").write_text(f"{STATE}\n")
    (ROOT / "etc/default/ganeti").write_text(DAEMONS)
    with HOSTS.open("a") as hosts:
        hosts.write(f"{NETWORK}.1 {NAME} {MARK}\n{ADDRESS} {NODE} {MARK}\n")
    ip("link", "add", BRIDGE, "type", "bridge")
    ip("link", "set", BRIDGE, "up")
    # Ganeti refuses a cluster address that answers, or that refuses a connection; there are
    # networks where every address does.
    ip("route", "replace", "unreachable", f"{NETWORK}.0/24")
    ip("addr", "replace", f"{ADDRESS}/32", "dev", BRIDGE)
    write_system()
    run(["/usr/lib/ganeti/ensure-dirs"])
    run(INIT)
    write_users()


def write_system() -> None:
    """Define an operating system whose installation does nothing, successfully."""
    SYSTEM.mkdir(parents=True)
    (SYSTEM / "ganeti_api_version").write_text("20\n")
    (SYSTEM / "variants.list").write_text("default\n")
    (SYSTEM / "parameters.list").write_text("")
    for script in ("create", "import", "export", "rename", "verify"):
        (SYSTEM / script).write_text("#!/bin/sh\nexit 0\n")
        (SYSTEM / script).chmod(0o755)


def write_users() -> None:
    """Put the users where RAPI looks; it notices by itself. The reader has no option."""
    new = ROOT / "var/lib/ganeti/rapi/users.new"
    user, password = READER
    known = f"{user}:Ganeti Remote API:{password}".encode()
    hashed = hashlib.md5(known).hexdigest()  # noqa: S324 - the form that RAPI wants it in
    new.write_text(f"{user} {{HA1}}{hashed}\n{' '.join(WRITER)} write\n")
    shutil.chown(new, "gnt-rapi", "gnt-masterd")
    new.chmod(0o640)
    new.rename(new.with_name("users"))


def remove() -> None:
    """Take away whatever there is of a cluster, also of one that was only half made."""
    wait_for(all_killed, 20, "the daemons to end")
    for command in (
        ["ip", "link", "delete", BRIDGE],
        ["ip", "route", "delete", "unreachable", f"{NETWORK}.0/24"],
    ):
        subprocess.run(command, capture_output=True, check=False)  # it may not be there
    lines = HOSTS.read_text().splitlines(keepends=True)
    kept = [line for line in lines if MARK not in line]
    if kept != lines:
        HOSTS.write_text("".join(kept))  # in place: containers mount this very file
    shutil.rmtree(STATE, ignore_errors=True)
    shutil.rmtree(SYSTEM, ignore_errors=True)
    for folder in (SYSTEMS, SYSTEMS.parent):
        with contextlib.suppress(OSError):  # not empty, then it is somebody's
            folder.rmdir()


def processes() -> set[int]:
    """Every process of this cluster.

    Those whose environment names its folder, and what they started: scripts get another one.
    """
    mine = f"GANETI_ROOTDIR={ROOT}\0".encode()
    found, parents = set(), {}
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):  # gone meanwhile, or the kernel's
            if entry.name.isdigit():
                state = (entry / "stat").read_text().rpartition(") ")[2].split()
                parents[int(entry.name)] = int(state[1])
                if mine in (entry / "environ").read_bytes():
                    found.add(int(entry.name))
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def all_killed() -> bool:
    """Kill what there is; True when nothing is left, nor was forked meanwhile."""
    pids = processes()
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return not pids


def alive(pid: int) -> bool:
    """Whether a process still runs; one that ended and waits for its parent does not."""
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


def start(daemon: str) -> None:
    # A pid file left by a killed daemon is refused by start-stop-daemon if it is not root's.
    (ROOT / f"var/run/ganeti/{daemon}.pid").unlink(missing_ok=True)
    run(["/usr/lib/ganeti/daemon-util", "start", daemon])


def run(command: Sequence[str]) -> None:
    """Run a program as if on the node."""
    node = os.environ | {
        "GANETI_ROOTDIR": str(ROOT),
        "GANETI_HOSTNAME": NODE,
        "LC_ALL": "C.UTF-8",
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
    }
    # A file, not a pipe: daemons keep what they inherit, and a pipe would never end.
    with (STATE / "output").open("w+") as output:
        done = subprocess.run(
            command,
            env=node,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            check=False,
        )
        output.seek(0)
        if done.returncode:
            raise RuntimeError(f"{command[0]}: {output.read()}")


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)


def wait_for(happens: Callable[[], Any], seconds: float, what: str) -> Any:
    """Ask until something is true and return it."""
    return eventually(happens, what, seconds=seconds)


if __name__ == "__main__":
    with running() as shown:
        print(f"{shown.url}  {READER}  {WRITER}  {shown.certificate}")  # noqa: T201
        input("Enter takes it away. ")
