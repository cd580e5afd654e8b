"""Programs that need no start of their own: forks of one process that has imported what they need.

Two seconds of a run's start are imports, and no test of what comes after them sees more by paying them again.
Such a fork is a process like any other: with its own signals, workers and end, and `__main__` is its program.
What a start itself depends on (limits, folders, variables that libraries read as they are imported) is tested
by processes that are started afresh. Elsewhere than on Linux, where forks are not safe, all of them are.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import gc
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

FORKS = sys.platform == "linux"
IMPORTS = """
    backtune.cli backtune.report.page backtune.runner.ahead backtune.runner.cluster backtune.runner.pool
    backtune.runner.shared backtune.verdict pandas pyarrow.parquet rich.table scipy.optimize
"""
LINE = 1 << 17  # bytes of a request


class Program:
    """One of them, with what `subprocess.Popen` has: what it prints goes to files."""

    def __init__(self, arguments, env, cwd):
        self.args, self.returncode = arguments, None
        text = {"encoding": "utf-8", "errors": "surrogateescape"}  # may be in another encoding
        files = (tempfile.TemporaryFile("a+", **text) for _ in range(2))  # noqa: SIM115
        self.stdout, self.stderr = files
        asked = {"arguments": arguments, "env": env, "cwd": str(cwd)}
        self.pid = _server().ask(asked, [self.stdout.fileno(), self.stderr.fileno()])

    def poll(self):
        if self.returncode is None:
            self.returncode = _server().ask({"ended": self.pid})
        return self.returncode

    def wait(self, timeout):
        until = time.monotonic() + timeout
        while self.poll() is None:
            if time.monotonic() > until:
                self.send_signal(signal.SIGKILL)
                raise subprocess.TimeoutExpired(self.args, timeout)
            time.sleep(0.01)
        return self.returncode

    def communicate(self, timeout):
        """Wait for its end; give all that it printed."""
        self.wait(timeout)
        for file in (self.stdout, self.stderr):
            file.seek(0)
        return self.stdout.read(), self.stderr.read()

    def send_signal(self, sign):
        os.kill(self.pid, sign)


def start(arguments, *, env=None, cwd="."):
    """Start `python *arguments`: a script and its own, or -m and a module's, in a session of its own.

    It hears the signals that this process may ignore, as under nohup; `env` is all of its environment.
    """
    arguments, env = list(map(str, arguments)), dict(os.environ if env is None else env)
    if FORKS:
        return Program(arguments, env, cwd)
    return subprocess.Popen(
        [sys.executable, *arguments], env=env, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        encoding="utf-8", errors="surrogateescape", start_new_session=True,
        preexec_fn=hears_signals if os.name == "posix" else None,
    )  # fmt: skip


def call(arguments, *, env=None, cwd=".", timeout=300):
    """As `start`, and wait for its end: give what `subprocess.run` does."""
    process = start(arguments, env=env, cwd=cwd)
    printed = process.communicate(timeout=timeout)
    return subprocess.CompletedProcess(arguments, process.returncode, *printed)


def hears_signals():
    """As a shell starts a program."""
    for name in ("SIGHUP", "SIGTERM"):
        signal.signal(getattr(signal, name), signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)


class _Server:
    """The process that forks, as this one asks it."""

    def __init__(self):
        self.socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        env = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        command = [sys.executable, __file__, str(theirs.fileno())]
        self.process = subprocess.Popen(
            command, env=env, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL
        )
        theirs.close()
        atexit.register(self.end)

    def ask(self, request, files=()):
        message = json.dumps(request).encode()
        assert len(message) < LINE
        socket.send_fds(self.socket, [message], files)
        answer = self.socket.recv(LINE)
        assert answer, "the process that forks has ended"
        return json.loads(answer)

    def end(self):
        self.socket.close()
        self.process.wait()


@functools.cache
def _server():
    return _Server()


def _next_program(asked):
    """Answer requests until there is a program to run: in a fork; None when nobody asks any more."""
    while message := socket.recv_fds(asked, LINE, 2):
        content, files, *_ = message
        if not content:
            return None
        request = json.loads(content)
        if "ended" in request:
            pid, status = os.waitpid(request["ended"], os.WNOHANG)
            asked.send(json.dumps(os.waitstatus_to_exitcode(status) if pid else None).encode())
        elif pid := os.fork():
            asked.send(json.dumps(pid).encode())
            for file in files:
                os.close(file)
        else:
            for number, file in enumerate(files, start=1):
                os.dup2(file, number)
                os.close(file)
            return request


def _become(request):
    """As a process that was just started for it."""
    os.setsid()
    hears_signals()
    os.environ.clear()
    os.environ.update(request["env"])
    os.chdir(request["cwd"])
    sys.modules["numba"].config.reload_config()  # it reads variables where it is imported
    if encoding := request["env"].get("PYTHONIOENCODING"):
        sys.stdout.reconfigure(encoding=encoding)
        sys.stderr.reconfigure(encoding=encoding, errors="backslashreplace")
    places = request["env"].get("PYTHONPATH", "").split(os.pathsep)
    sys.path[:0] = [place for place in places if place and place not in sys.path]
    program, *arguments = request["arguments"]
    if program == "-m":
        sys.argv = arguments
        return functools.partial(runpy.run_module, arguments[0], run_name="__main__", alter_sys=True)
    sys.argv = request["arguments"]
    sys.path.insert(0, os.path.dirname(os.path.abspath(program)))
    return functools.partial(_run_script, program)


def _run_script(path):
    """As `runpy.run_path` does, but that the script is `__main__` to its end, also for what runs at exit."""
    module = type(sys)("__main__")
    module.__file__ = path
    sys.modules["__main__"] = module
    with open(path, "rb") as file:
        exec(compile(file.read(), path, "exec"), vars(module))


def _main():
    asked = socket.socket(fileno=int(sys.argv[1]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for who asks: its end is the end of this
    for name in IMPORTS.split():
        __import__(name)
    from backtune.runner.cluster import LOGGING

    with contextlib.suppress(ImportError):  # it is optional
        import dask

        with dask.config.set(LOGGING):  # as a run imports it: its log stays as it is then
            __import__("distributed")
    from backtune import Universe, backtest_forecasts
    from backtune.verdict.written import write_evidence

    # machine code that is kept is read here
    write_evidence(backtest_forecasts("SYN00001", 2, window=40, data=Universe(0, 200)), 1)
    assert threading.active_count() == 1
    gc.collect()
    gc.freeze()  # else a fork that looks for garbage copies all there is
    request = _next_program(asked)
    asked.close()
    _end(0 if request is None else _status(_become(request)))


def _status(program):
    """Run it: its exit status, with what the interpreter prints of an exception."""
    try:
        program()
    except SystemExit as exit:
        if exit.code is None or isinstance(exit.code, int):
            return exit.code or 0
        print(exit.code, file=sys.stderr)  # noqa: T201
        return 1
    except BaseException as error:
        sys.excepthook(type(error), error, error.__traceback__)
        return 130 if isinstance(error, KeyboardInterrupt) else 1
    return 0


def _end(status):
    """As the interpreter ends, but that it leaves the modules: to free each takes a second."""
    threading._shutdown()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    _main()
