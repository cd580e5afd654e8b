"""The one-bar search as intermediate code of LLVM, kept in the package, so that numba's front end is spared.

Most of a first run's compilation is numba's front end, and what that writes is the same on every machine:
`kernel.solve` before it is optimized. `scripts/ahead.py` has it write `solve.llvm`; here LLVM finishes that
for the processor at hand, inside a compiled function like any other, whose machine code is kept as theirs is.
The code takes plain pointers and calls numba's own functions for memory, so that it knows nothing of how the
numba that runs lays out arrays and counts references.

It is used only where it was written from these very sources, by an LLVM that is not newer, for 64-bit
addresses and for one fee; elsewhere numba compiles `kernel.solve`. A test holds both equal to the bit.
"""

from __future__ import annotations

import hashlib
import json
import lzma
import sys
from collections.abc import Callable, Sequence
from functools import cache as once
from importlib import import_module
from pathlib import Path
from typing import Any

import llvmlite.binding as llvm
from llvmlite import ir
from numba.extending import intrinsic

from backtune.compiled import njit
from backtune.optimizers.exact import kernel
from backtune.optimizers.exact.lattice import Array
from backtune.problem.kernels import Fee

cgutils: Any = import_module("numba.core.cgutils")  # untyped in part
types: Any = import_module("numba.core.types")
config: Any = import_module("numba.core.config")

HERE = Path(__file__).parent
CODE = HERE / "solve.llvm"  # a line of JSON, then bitcode as LZMA
NAME = "backtune_solve"
ARRAY = types.Array(types.float64, 2, "C")
SIGNATURE = (ARRAY, ARRAY, ARRAY, types.float64, types.int64, types.boolean)
FAILURE = "no memory for the search"
KERNELS = HERE.parents[1] / "problem" / "kernels.py"
NAMES = ("bound", "breakpoints", "kernel", "lattice", "search", "series")
SOURCES = (KERNELS, *(HERE / f"{name}.py" for name in NAMES))


def solve(
    long_legs: Array, short_legs: Array, bounds: Array, fee: Fee, fills: int, eod: bool
) -> Sequence[float]:
    """High offset, low offset, value, bound and evaluations of one problem's optimum."""
    if isinstance(fee, tuple):
        return kernel.solve(long_legs, short_legs, bounds, fee, fills, eod)
    return _of_one_fee()(long_legs, short_legs, bounds, float(fee), int(fills), bool(eod))


def source_digest() -> str:
    """SHA-256 of the sources that the code is written from.

    Raises
    ------
    OSError
        They are not there.
    """
    return hashlib.sha256("\0".join(path.read_text("utf-8") for path in SOURCES).encode()).hexdigest()


@once
def _of_one_fee() -> Callable[..., Any]:
    """The search for problems of one fee: from the code, if it may be used."""
    if config.DISABLE_JIT or not _fits():
        return kernel.solve
    try:
        ready: Any = _from_code
        ready.compile(SIGNATURE)
    except Exception:  # of whichever kind: an LLVM or a numba that takes other code
        return kernel.solve
    return _from_code


def _fits() -> bool:
    """Whether the code is that of these sources, for a machine and an LLVM such as these."""
    try:
        with CODE.open("rb") as file:
            header = json.loads(file.readline())
        same = header["sources"] == source_digest()
    except (OSError, ValueError, KeyError):
        return False
    here = sys.maxsize > 2**32 and sys.byteorder == "little"
    return same and here and tuple(header["llvm"]) <= llvm.llvm_version_info


def _module() -> Any:
    bitcode = lzma.decompress(CODE.read_bytes().partition(b"\n")[2])
    return llvm.parse_bitcode(bitcode)


def _call_of(
    typing: Any, long_legs: Any, short_legs: Any, bounds: Any, fee: Any, fills: Any, eod: Any
) -> Any:
    """Type of a call of the code, and what writes it."""
    result = types.UniTuple(types.float64, 5)
    for kind, wanted in zip((long_legs, short_legs, bounds, fee, fills, eod), SIGNATURE, strict=True):
        if not (kind == wanted or (isinstance(kind, types.Array) and kind.copy(readonly=False) == wanted)):
            return None  # pointers alone would be misread

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        module = _module()
        module.triple = builder.module.triple
        context.active_code_library.add_llvm_module(module)
        parts: list[Any] = []
        for kind, value in zip(signature.args, values, strict=True):
            if isinstance(kind, types.Array):
                array = context.make_array(kind)(context, builder, value)
                rows, columns = cgutils.unpack_tuple(builder, array.shape)
                parts += [builder.bitcast(array.data, ir.PointerType(ir.DoubleType())), rows, columns]
            else:
                parts.append(context.get_value_as_argument(builder, kind, value))
        numbers = cgutils.alloca_once(builder, ir.ArrayType(ir.DoubleType(), 5))
        out = builder.bitcast(numbers, ir.PointerType(ir.DoubleType()))
        kinds = [value.type for value in (out, *parts)]
        function = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(ir.IntType(32), kinds), NAME
        )
        status = builder.call(function, [out, *parts])
        with builder.if_then(cgutils.is_not_null(builder, status), likely=False):
            context.call_conv.return_user_exc(builder, MemoryError, (FAILURE,))
        return builder.load(numbers)

    return result(long_legs, short_legs, bounds, fee, fills, eod), generate


def _code_digest() -> str:
    """SHA-256 of what the call compiles to: the code, and this file, which calls it."""
    return hashlib.sha256(CODE.read_bytes() + Path(__file__).read_bytes()).hexdigest()


_call: Any = intrinsic(_call_of)
_call.code_digest = _code_digest


@njit(cache=True, nogil=True)
def _from_code(
    long_legs: Array, short_legs: Array, bounds: Array, fee: Fee, fills: int, eod: bool
) -> tuple[float, float, float, float, float]:
    """`kernel.solve`, of one fee."""
    return _call(long_legs, short_legs, bounds, fee, fills, eod)
