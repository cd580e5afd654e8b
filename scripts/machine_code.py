"""Write the machine code that a wheel for this platform brings: what a first run would compile.

    python scripts/machine_code.py FOLDER     # needs a C compiler, and the package importable

numba compiles each function as it does at the first call, once for each level of processors, and an extension
module is linked of them. `backtune.prepared` says when they are used. They are checked against numba's own,
to the bit: tests/scripts/test_machine_code.py.
"""

from __future__ import annotations

import json
import platform
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from backtune.compiled import code_digest
from backtune.prepared import INDEX, symbol

V3 = ("avx", "avx2", "bmi", "bmi2", "f16c", "fma", "lzcnt", "movbe")
V4 = (*V3, "avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl")
# The best first: name of LLVM's for it, and what a processor has to know.
X86 = {"x86-64-v4": V4, "x86-64-v3": V3}
LEVELS: dict[str, dict[str, tuple[str, ...]]] = {"x86_64": X86, "AMD64": X86}
ANY = {"": ()}  # elsewhere every processor of the architecture

LINE, TABLE, CUBE = (f"array(float64, {axes}d, C)" for axes in (1, 2, 3))
LEGS = (TABLE, TABLE)
BOX = "UniTuple(UniTuple(float64 x 2) x 2)"
REAL, WHOLE, TRUTH = "float64", "int64", "bool"
# What `backtune run` calls, and the types that it calls it with.
FUNCTIONS = {
    "backtune.optimizers.exact.solver._solve": (*LEGS, BOX, REAL, WHOLE, TRUTH),
    "backtune.problem.kernels.total_one": (*LEGS, REAL, REAL, REAL, WHOLE, TRUTH),
    "backtune.problem.kernels.totals": (*LEGS, TABLE, REAL, WHOLE, TRUTH),
    "backtune.problem.kernels.leg_returns": (TABLE, REAL, REAL, REAL, WHOLE, TRUTH, TRUTH),
    "backtune.problem.kernels.leg_filled": (TABLE, REAL, REAL, REAL, WHOLE, TRUTH),
    "backtune.bars.universe._garch": (LINE,),
    "backtune.bars.universe._extremes": (TABLE,),
    "backtune.forecasts.volatility._smoothed": (LINE, REAL, WHOLE),
    "backtune.forecasts.fhs._rolling_quantiles": (TABLE, WHOLE, WHOLE, LINE),
    "backtune.verdict.bootstrap._means": (TABLE, REAL, CUBE),
    "backtune.verdict.eprocess._wealth": (LINE, LINE),
    "backtune.verdict.eprocess._excess": (LINE, LINE),
}


def write(folder: Path) -> None:
    """Write extension modules and their index into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    levels = LEVELS.get(platform.machine(), ANY)
    for processor in levels:
        _write_module(folder, processor)
    functions = {
        name: {"digest": code_digest(_function(name), versions=""), "types": types}
        for name, types in FUNCTIONS.items()
    }
    index = {"levels": {_module(name): needed for name, needed in levels.items()}, "functions": functions}
    (folder / INDEX).write_text(json.dumps(index, indent=1), "utf-8")


def _function(name: str) -> Any:
    module, _, function = name.rpartition(".")
    return getattr(import_module(module), function)


def _module(processor: str) -> str:
    return f"code_{processor or 'any'}".replace("-", "_")


def _write_module(folder: Path, processor: str) -> None:
    """Compile and link one extension module."""
    from numba import types
    from numba.pycc import CC, compiler

    known = {LINE: types.float64[::1], TABLE: types.float64[:, ::1], CUBE: types.float64[:, :, ::1]}
    known |= {
        BOX: types.UniTuple(types.UniTuple(types.float64, 2), 2),
        REAL: types.float64,
        WHOLE: types.int64,
        TRUTH: types.boolean,
    }
    extension = CC(_module(processor), source_module="backtune.compiled")
    extension.output_dir, extension.target_cpu = str(folder), processor
    extension._extra_ldflags = {**extension._extra_ldflags, "linux": ["-Wl,-s"]}  # half the size
    options = {}
    for name, arguments in FUNCTIONS.items():
        function = _function(name)
        options[function.py_func] = function
        extension.export(symbol(name), tuple(known[each] for each in arguments))(function.py_func)

    def compile_extra(
        typing: Any, target: Any, function: Any, arguments: Any, result: Any, flags: Any, **more: Any
    ) -> Any:
        """As numba's, with the options of the function's own, such as its division by zero and the GIL."""
        dispatcher = options[function]
        dispatcher.targetdescr.options.parse_as_flags(flags, dispatcher.targetoptions)
        flags.no_compile, flags.no_cpython_wrapper, flags.no_cfunc_wrapper = True, False, True
        return original(typing, target, function, arguments, result, flags, **more)

    original = compiler.compile_extra
    compiler.compile_extra = compile_extra
    try:
        extension.compile()
    finally:
        compiler.compile_extra = original


if __name__ == "__main__":
    write(Path(sys.argv[1]))
