"""A bad day: what may happen to a host and what a hostile visitor may do, while a neighbour's page is watched.

The neighbour's rerun takes under a second at the median and under three at worst, the server's own process has less
than 600 MB, no page shows an error, no session waits for ever or is shown what is another's. ``make chaos`` takes the
attacks at twice the size that once did harm, and prints a table; `make test` takes each kind once.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import loops
from tests.chaos import attacks, faults, originals
from tests.chaos.watch import Watched

NIGHTLY = bool(os.environ.get("NIGHTLY"))
ROOM = 48
"""MB of the unlucky server's temporary folder."""
POWERS = "-dac_override,-dac_read_search"
BOUND = ("setpriv", f"--bounding-set={POWERS}", f"--inh-caps={POWERS}")
"""Root without the power to write everywhere."""
pytestmark = [
    pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="the system does not tell"),
    pytest.mark.filterwarnings("ignore"),
]


@dataclass
class Host:
    """A server whose clock and temporary folder somebody plays with. small: whether the folder has little room, and
    bound: whether the server may not write where nobody may; as root it takes a system that can be asked for it."""

    watched: Watched
    folder: Path
    clock: Path
    small: bool
    bound: bool

    @contextmanager
    def full(self) -> Iterator[None]:
        """Nothing more has room in the temporary folder."""
        filler = self.folder / "filler"
        with suppress(OSError), open(filler, "wb", buffering=0) as file:
            while True:
                file.write(bytes(1 << 16))
        try:
            yield
        finally:
            filler.unlink()

    @contextmanager
    def closed(self) -> Iterator[None]:
        """Nobody may write into the temporary folder."""
        self.folder.chmod(0o555)
        try:
            yield
        finally:
            self.folder.chmod(0o755)


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    folder = tmp_path_factory.mktemp("host")
    temporary, clock = folder / "temporary", folder / "clock"
    temporary.mkdir()
    root = not hasattr(os, "getuid") or os.getuid() == 0
    small = _run("mount", "-t", "tmpfs", "-o", f"size={ROOM}m,mode=755", "none", str(temporary))
    bound = _run(*BOUND, "true")
    env = {"PYTHONPATH": str(Path(__file__).parent / "unlucky"), "CHAOS_CLOCK": str(clock), "TMPDIR": str(temporary)}
    watched = Watched(env | ({"CHAOS_BOUND": " ".join(BOUND)} if root and bound else {}))
    try:
        yield Host(watched, temporary, clock, small, bound or not root)
    finally:
        watched.stop()
        if small:
            _run("umount", "-l", str(temporary))


def _run(*command: str) -> bool:
    """Whether it could be done."""
    try:
        return subprocess.run(command, capture_output=True).returncode == 0
    except OSError:
        return False


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("originals")
    originals.write(folder)
    return folder


# ---- an unlucky host


def test_children_are_killed_in_mid_work(host: Host) -> None:
    with host.watched.during("children killed in mid-work"):
        loops.run(faults.children_killed(host.watched, 40 if NIGHTLY else 3))


def test_the_temporary_folder_is_full(host: Host) -> None:
    if not host.small:
        pytest.skip("only root mounts a small folder")
    with host.watched.during("a full temporary folder", logs=True), host.full():
        loops.run(faults.trains_nowhere(host.watched, "temporary folder of this server is full"))


def test_nobody_may_write(host: Host) -> None:
    if not host.bound:
        pytest.skip("root may write everywhere")
    with host.watched.during("no write permission", logs=True), host.closed():
        loops.run(faults.trains_nowhere(host.watched, "Nothing can be written"))


def test_the_clock_is_set_back(host: Host) -> None:
    with host.watched.during("the clock set back, and ahead"):
        loops.run(faults.clock_set(host.watched, host.clock))


def test_the_line_is_cut(host: Host) -> None:
    with host.watched.during("the line cut and held up"):
        loops.run(faults.line_cut(host.watched, 20 if NIGHTLY else 3, 10 if NIGHTLY else 1, 2 if NIGHTLY else 0.5))


def test_clients_are_slow(host: Host) -> None:
    with host.watched.during("clients that never read"):
        loops.run(faults.slow_clients(host.watched, 20 if NIGHTLY else 2, 15 if NIGHTLY else 0.5))


def test_requests_and_frames_never_end(host: Host) -> None:
    with host.watched.during("half requests and frames, 1,000 drops" if NIGHTLY else "half requests and frames"):
        loops.run(faults.halves(host.watched, 200 if NIGHTLY else 2))


def test_the_server_is_restarted(host: Host) -> None:
    with host.watched.during("the server killed and started", away=20):
        loops.run(faults.restarted(host.watched, 4 if NIGHTLY else 1))


# ---- a hostile visitor


def test_tokenizers_tours_and_arrays(host: Host) -> None:
    with host.watched.during("tokenizers that grow or never end, crafted tours, arrays of objects"):
        loops.run(attacks.tokenizers_that_grow(host.watched, 12 if NIGHTLY else 2))
        loops.run(attacks.tours(host.watched, 80 if NIGHTLY else 8))
        loops.run(attacks.arrays_of_no_numbers(host.watched, 8 if NIGHTLY else 1))


def test_hostile_files_through_the_page(host: Host, files: Path) -> None:
    with host.watched.during("hostile files through the page"):
        loops.run(attacks.hostile_files(host.watched, files, 1000 if NIGHTLY else 6))


nightly = pytest.mark.skipif(not NIGHTLY, reason="make chaos")


@pytest.fixture
def server() -> Iterator[Watched]:
    """One that was just started: what an attack leaves behind is not the next one's."""
    watched = Watched()
    yield watched
    watched.stop()


def test_large_files(host: Host, request: pytest.FixtureRequest) -> None:
    size = attacks.LARGEST - 1000 if NIGHTLY else 1 << 20
    watched = request.getfixturevalue("server") if NIGHTLY else host.watched  # which has room for what arrives
    with watched.during("2 vocabularies of 50 MB at once, 2 words for 4 million rows"):
        loops.run(attacks.large_vocabularies(watched, size))


@nightly
def test_numbers(server: Watched) -> None:
    with server.during("2 CSV files of 50 MB at once, one of 100"):
        loops.run(attacks.large_numbers(server))


@nightly
def test_typing(server: Watched) -> None:
    with server.during("100 viewers, a text every 1 to 5 s"):
        loops.run(attacks.typing(server, 100, 30))


@nightly
def test_first_visits(server: Watched) -> None:
    with server.during("300 first visits at once"):
        loops.run(attacks.first_visits(server, 300))


@nightly
def test_trainings(server: Watched) -> None:
    with server.during("40 trainings at once"):
        loops.run(attacks.trainings(server, 40, 10))


@nightly
def test_files_that_hang(server: Watched) -> None:
    with server.during("24 HDF5 files that hang"):
        loops.run(attacks.files_that_hang(server, 24))


@nightly
def test_models(server: Watched) -> None:
    with server.during("24 PyTorch uploads"):
        loops.run(attacks.models_of_pytorch(server, 24))


@nightly
def test_uploads(server: Watched) -> None:
    with server.during("24 uploads of 49 MB where none is asked for"):
        loops.run(attacks.uploads(server, 24, 49 << 20))


@nightly
def test_long_texts(server: Watched) -> None:
    with server.during("24 long Chinese texts"):
        loops.run(attacks.long_texts(server, 24))
