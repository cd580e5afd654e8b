"""Speed of parallel runs: speed-up, overhead a symbol, a large universe, and how fast Ctrl-C ends it all.

    python benchmarks/parallel.py [speedup] [overhead] [symbol] [universe] [interrupt] [certificates]
        [--quick]

Run it on a machine that does nothing else. Everything is printed with the machine it was measured on.
"""

from __future__ import annotations

import itertools
import os
import platform
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

import backtune as bt
from backtune.backtest import Settings, run_backtest
from backtune.runner.cluster import open_client
from backtune.runner.events import Event
from backtune.runner.task import Task, do_task
from backtune.runner.threads import one_thread
from backtune.store import RunWriter
from backtune.store.key import run_identity

QUICK = "--quick" in sys.argv


def main() -> None:
    """Measure what was asked for, or all of it."""
    known = {"speedup": speedup, "overhead": overhead, "symbol": symbol, "universe": universe}
    known |= {"interrupt": interrupt, "certificates": certificates}
    asked = [name for name in sys.argv[1:] if name in known] or list(known)
    memory = psutil.virtual_memory().total / 2**30
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, {memory:.0f} GiB, ", end="")
    print(f"Python {platform.python_version()}, load {os.getloadavg()[0]:.1f}")
    for name in asked:
        known[name]()


HALF = """
import sys, time
import backtune as bt
first, stop, simulations = map(int, sys.argv[1:])
stocks = bt.Universe()
bt.backtest_forecasts("SYN00001", 1, data=stocks)
started = time.perf_counter()
bt.run_parallel_backtests(stocks.symbols(stop)[first:], simulations, 1, data=stocks)
print(time.perf_counter() - started)
"""


def speedup() -> None:
    """40 symbols, in this process and by 2 workers, whose order alternates; and what the machine allows.

    That is the same by two processes that know nothing of each other, each with half of the symbols: where
    cores share memory and clock, two do less than twice as much as one.
    """
    stocks = bt.Universe()
    names = stocks.symbols(8 if QUICK else 40)
    bt.backtest_forecasts(names[0], 1, data=stocks)
    for simulations in (150,) if QUICK else (600, 1200):
        ratios, steady, apart = [], [], []
        for number in range(1 if QUICK else 3):
            took: dict[int, tuple[float, float]] = {}
            for workers in (1, 2) if number % 2 == 0 else (2, 1):
                took[workers] = _timed(names, simulations, workers, stocks)
            ratios.append(took[1][0] / took[2][0])
            steady.append(took[1][1] / took[2][1])
            apart.append(took[1][0] / _halves(len(names), simulations))
            each = took[1][0] / len(names)
            print(
                f"{len(names)} symbols of {each:.2f} s: 1 worker {took[1][0]:.1f} s, 2 workers "
                f"{took[2][0]:.1f} s, {ratios[-1]:.2f}x; {steady[-1]:.2f}x from the first result on; two "
                f"processes by themselves {apart[-1]:.2f}x"
            )
        print(f"speed-up, median: {statistics.median(ratios):.2f}x with the start of the workers, ", end="")
        print(f"{statistics.median(steady):.2f}x without; by themselves {statistics.median(apart):.2f}x")


def _halves(count: int, simulations: int) -> float:
    """Seconds in which two processes, started at once, do a half of the symbols each; the longer of both."""
    spans = ((0, count // 2), (count // 2, count))
    halves = [
        subprocess.Popen(
            [sys.executable, "-c", HALF, str(first), str(stop), str(simulations)],
            stdout=subprocess.PIPE,
            text=True,
        )
        for first, stop in spans
    ]
    return max(float(half.communicate()[0]) for half in halves)


def _timed(names: list[str], simulations: int, workers: int, stocks: bt.Universe) -> tuple[float, float]:
    """Seconds of the whole run, and seconds a symbol after the first results."""
    moments: list[float] = []

    def note(event: Event) -> None:
        if event.ends:
            moments.append(time.perf_counter())

    started = time.perf_counter()
    runs = bt.run_parallel_backtests(names, simulations, workers, data=stocks, progress=note)
    ended = time.perf_counter()
    assert len(runs) == len(names)
    first = workers - 1
    return ended - started, (moments[-1] - moments[first]) / (len(moments) - 1 - first)


def overhead() -> None:
    """What a symbol costs beyond its backtest: alone in this process, and through a cluster."""
    stocks = bt.Universe(bars=120)
    settings = Settings(num_simulations=1, window=20, strategies=("maxdiff",), model="naive")
    names = stocks.symbols(50 if QUICK else 300)
    bars = [stocks.load(name) for name in names]
    run_backtest(bars[0], settings)
    work = _seconds(lambda: [run_backtest(one, settings) for one in bars]) / len(names)
    with tempfile.TemporaryDirectory() as root:
        writer = RunWriter(root, settings, names)
        shared = run_identity(settings)
        tasks = [Task(str(writer.folder), name, settings, stocks, shared) for name in names]
        do_task(tasks[0])
        for name in names:
            (writer.folder / "receipts" / f"{name}.json").unlink(missing_ok=True)
        task = _seconds(lambda: [do_task(one) for one in tasks]) / len(names)
    moments: list[float] = []
    bt.run_parallel_backtests(
        names, 1, 2, window=20, strategies=("maxdiff",), model="naive", data=stocks,
        progress=lambda event: moments.append(time.perf_counter()) if event.ends else None,
    )  # fmt: skip
    late = moments[len(moments) // 4 :]
    through = (late[-1] - late[0]) / (len(late) - 1)
    print(f"a symbol: backtest {1e3 * work:.1f} ms, with bars, files and receipt {1e3 * task:.1f} ms")
    print(f"overhead in this process: {1e3 * (task - work):.1f} ms a symbol")
    print(
        f"2 workers: a result every {1e3 * through:.1f} ms; the backtests alone would give one every "
        f"{500 * work:.1f} ms, so the engine takes {1e3 * (through - work / 2):.1f} ms a symbol, or "
        f"{1e3 * (2 * through - work):.1f} ms of a worker's time"
    )


def symbol() -> None:
    """Processor time of a symbol of `universe`, in this process: its work, its part of the end, its page."""
    stocks, settings = bt.Universe(), Settings()
    names = stocks.symbols(24)  # of fewer the page draws finer surfaces
    rounds = []
    with tempfile.TemporaryDirectory() as root, one_thread():
        writer = RunWriter(root, settings, names)
        shared = run_identity(settings)
        tasks = [Task(str(writer.folder), name, settings, stocks, shared, symbols=500) for name in names]
        for _ in range(3 if QUICK else 8):
            for name in names:
                (writer.folder / "receipts" / f"{name}.json").unlink(missing_ok=True)
            moments = [time.process_time()]
            for task in tasks:
                writer.note(do_task(task).receipt)
            moments.append(time.process_time())
            writer.finish()
            run = bt.Run.open(writer.folder)
            page = bt.report(run)
            assert len(run.summary)
            moments.append(time.process_time())
            assert page.html
            moments.append(time.process_time())
            rounds.append([after - before for before, after in itertools.pairwise(moments)])
    for place, what in enumerate(("backtest, files and receipt", "verdict, portfolio and table", "page")):
        took = sorted(1e3 * each[place] / len(names) for each in rounds[1:])
        usual = statistics.median(took)
        print(f"{what}: {took[0]:.1f} ms of a processor a symbol at least, {usual:.1f} usually")


def _seconds(work: object) -> float:
    started = time.perf_counter()
    work()  # type: ignore[operator]
    return time.perf_counter() - started


def universe() -> None:
    """500 symbols of 2,000 bars, 70 simulations, 2 strategies, 2 policies, through the command line."""
    with tempfile.TemporaryDirectory() as root:
        for count in (20, 60) if QUICK else (100, 500):
            seconds, busy, peak = _driver(count, Path(root) / str(count))
            print(
                f"{count} symbols, 2 workers: {seconds:.0f} s, start and page included ({busy:.0f} s of "
                f"processors, all processes together); driver's peak {peak:.0f} MB"
            )


def _driver(count: int, folder: Path) -> tuple[float, float, float]:
    """Seconds, those of all processors, and the most memory that the driver alone held, in MB."""
    started, before = time.perf_counter(), os.times()
    process = _start(count, folder)
    peak, driver = 0.0, psutil.Process(process.pid)
    while process.poll() is None:
        try:
            peak = max(peak, driver.memory_info().rss / 1e6)
        except psutil.Error:
            break
        time.sleep(0.1)
    seconds = time.perf_counter() - started
    assert process.wait() == 0
    after = os.times()
    busy = after.children_user + after.children_system - before.children_user - before.children_system
    return seconds, busy, peak


def interrupt() -> None:
    """Ctrl-C to the process group of a run, as a terminal sends it, until its last process is gone."""
    with tempfile.TemporaryDirectory() as root:
        for when, receipts in (("as its workers start", 0), ("at work", 3)):
            took = []
            for number in range(1 if QUICK else 5):
                folder = Path(root) / f"{receipts}-{number}"
                process = _start(50, folder)
                driver = psutil.Process(process.pid)
                while len(driver.children()) < 2 or len(list(folder.glob("receipts/*.json"))) < receipts:
                    time.sleep(0.01)
                time.sleep(0.1 * number)
                family = [driver, *driver.children(recursive=True)]
                started = time.perf_counter()
                os.killpg(process.pid, signal.SIGINT)
                while any(map(_lives, family)):
                    time.sleep(0.01)
                took.append(time.perf_counter() - started)
                assert process.wait() == 130
            print(
                f"Ctrl-C to a run {when}, until its last process has ended: {max(took):.1f} s at most of "
                f"{len(took)}"
            )


def certificates() -> None:
    """What the certificates of local workers cost: until two are there, and a task that does nothing."""
    import distributed

    with_certificates = distributed.LocalCluster

    def without(**options: object) -> object:
        return with_certificates(**{**options, "protocol": "tcp://", "security": None})

    took: dict[str, list[tuple[float, float]]] = {"with": [], "without": []}
    for _ in range(1 if QUICK else 7):
        for name, cluster in (("with", with_certificates), ("without", without)):
            distributed.LocalCluster = cluster
            try:
                started = time.perf_counter()
                with open_client(2, None, None) as client:
                    start = time.perf_counter() - started
                    tasks = _seconds(lambda: client.gather([client.submit(abs, n) for n in range(300)]))
            finally:
                distributed.LocalCluster = with_certificates
            took[name].append((start, tasks / 300))
    for name, each in took.items():
        start, task = map(statistics.median, zip(*each, strict=True))
        ready = f"2 workers {name} certificates: there after {start:.2f} s"
        print(f"{ready}; {1e3 * task:.1f} ms a task of nothing")


def _lives(process: psutil.Process) -> bool:
    """Whether it runs; one that has ended and waits for its parent to take note does not."""
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _start(count: int, folder: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "backtune", "run", "--universe", str(count), "--workers", "2"]
    return subprocess.Popen(
        [*command, "--run-folder", str(folder)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


if __name__ == "__main__":
    main()
