"""Local workers are nobody else's: without the run's own certificate no process gets in, whoever it is of."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from backtune.runner.cluster import open_client

distributed = pytest.importorskip("distributed")
NOBODY = "65534"
STRANGERS = Path(__file__).parents[1] / "support" / "strangers.py"


@pytest.fixture(scope="module")
def client():
    with open_client(2, None, None) as client:
        yield client


def successes(addresses, count, user=""):
    """How many of `count` connections by another process got in; it says so itself."""
    command = [sys.executable, str(STRANGERS), str(count), user, *addresses]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, cwd="/")
    assert done.returncode == 0, done.stderr[-2000:]
    return int(done.stdout)


def addresses(client):
    """Of the scheduler, the workers and their nannies."""
    workers = client.scheduler_info(n_workers=-1)["workers"]
    return [client.scheduler.address, *workers, *(worker["nanny"] for worker in workers.values())]


@pytest.mark.slow
def test_none_of_a_hundred_strangers_gets_in(client):
    assert successes(addresses(client), 100) == 0
    assert client.submit(abs, -1).result() == 1


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="only root can be another user")
def test_nor_does_another_user_of_the_machine(client):
    assert successes(addresses(client)[:1], 4, NOBODY) == 0


@pytest.mark.slow
def test_a_stranger_would_get_in_where_no_certificate_is_asked_for():
    """What the tests above count can be counted."""
    with distributed.LocalCluster(
        n_workers=1, processes=False, protocol="tcp://", host="127.0.0.1", dashboard_address=None
    ) as cluster:
        assert successes([cluster.scheduler_address], 4) == 2


def test_every_address_asks_for_a_certificate(client):
    assert all(address.startswith("tls://127.0.0.1:") for address in addresses(client))


@pytest.mark.skipif(os.name != "posix", reason="other systems have no such modes")
def test_the_workers_folder_is_for_their_user_alone(client):
    folders = client.run(lambda dask_worker: dask_worker.local_directory)
    for folder in map(Path, folders.values()):
        [own] = [parent for parent in folder.parents if parent.name.startswith("backtune-workers-")]
        assert own.stat().st_mode & 0o077 == 0
