"""A benchmark without processes, where these are not what is tested: each imports everything again."""

import pytest

from backtune.bench import protocol


@pytest.fixture
def in_this_process(monkeypatch):
    """Make the runs, and what is timed before them, in the process of the tests."""

    def run_jobs(jobs, workers, finished, limits):
        for job in jobs:
            finished(job, protocol.run_job(job))

    monkeypatch.setattr("backtune.bench.results.run_jobs", run_jobs)
    monkeypatch.setattr("backtune.bench.results.alone", lambda function, limits=None: function())
