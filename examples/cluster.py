"""A run on a Dask cluster: here two workers on this machine; on yours, give the scheduler's address.

    pip install 'backtune[parallel]'
    python examples/cluster.py [tcp://SCHEDULER:8786]

The guard at the end is needed: worker processes import this script. docs/cluster.md says what nodes need.
A scheduler of one's own asks for no certificate; `max_workers=2` alone starts one that does.
"""

import sys
from contextlib import nullcontext
from tempfile import TemporaryDirectory

import backtune as bt


def local_cluster():
    """Start a scheduler and two workers, bound to this machine."""
    from distributed import LocalCluster

    return LocalCluster(n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None)


def main(address: str | None) -> None:
    """Do the same run here and there: the results are the same to the bit."""
    universe = bt.Universe(seed=1, bars=300)
    symbols = universe.symbols(4)
    with TemporaryDirectory() as folder, nullcontext() if address else local_cluster() as cluster:
        scheduler = address or cluster.scheduler_address
        there = bt.run_parallel_backtests(symbols, 10, data=universe, scheduler=scheduler, output=folder)
        here = bt.run_parallel_backtests(symbols, 10, data=universe, max_workers=1)
        for symbol, result in there.items():
            same = result.summary.equals(here[symbol].summary)
            print(f"{symbol}: {'the same as' if same else 'NOT THE SAME AS'} in one process")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None)
