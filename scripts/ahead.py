"""Write the code of the one-bar search again, after a change of its sources (see optimizers/exact/ahead.py).

    python scripts/ahead.py

What is written is `kernel.solve` as numba's front end leaves it, for any processor: no optimization but what
makes it smaller, and plain pointers in place of arrays.
"""

from __future__ import annotations

import json
import lzma
import os
import re
import sys
import tempfile
import warnings
from typing import Any

os.environ.update(NUMBA_OPT="0", NUMBA_LOOP_VECTORIZE="0", NUMBA_CACHE_DIR=tempfile.mkdtemp())

import llvmlite.binding as llvm
from llvmlite.binding import newpassmanagers as passes
from numba.core.registry import cpu_target

from backtune.optimizers.exact import ahead, kernel

MEMORY = ("NRT_incref", "NRT_decref", "NRT_MemInfo_data_fast")  # numba's own, of the version that runs
ARRAYS = ("longs", "shorts", "bounds")


def entry(function: str) -> str:
    """Function that takes pointers and shapes, and calls numba's, which takes the parts of arrays."""
    arrays = ", ".join(f"ptr %{a}, i64 %{a}_rows, i64 %{a}_columns" for a in ARRAYS)
    sizes = "".join(
        f"  %{a}_items = mul i64 %{a}_rows, %{a}_columns\n  %{a}_row = mul i64 %{a}_columns, 8\n"
        for a in ARRAYS
    )
    parts = ", ".join(
        f"ptr null, ptr null, i64 %{a}_items, i64 8, ptr %{a}, "
        f"i64 %{a}_rows, i64 %{a}_columns, i64 %{a}_row, i64 8"
        for a in ARRAYS
    )
    return (
        f"\ndefine i32 @{ahead.NAME}(ptr %out, {arrays}, double %fee, i64 %fills, i8 %eod) {{\n"
        f"  %error = alloca ptr\n  store ptr null, ptr %error\n{sizes}"
        f"  %status = call i32 @{function}(ptr %out, ptr %error, {parts}, double %fee, i64 %fills, i8 %eod)\n"
        "  ret i32 %status\n}\n"
    )


def code() -> bytes:
    """Bitcode of the search."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # unoptimized, it could not be kept
        kernel.solve.compile(ahead.SIGNATURE)
    compiled = kernel.solve.overloads[ahead.SIGNATURE]
    text = compiled.library.get_llvm_str() + entry(compiled.fndesc.llvm_func_name)
    for name in MEMORY:
        head = re.search(rf"^define linkonce_odr (\w+) @{name}\((\w+) ", text, re.MULTILINE)
        if head is None:
            raise SystemExit(f"this numba writes {name} in another way; use the one of constraints.txt")
        text = re.sub(rf"^define [^\n]*@{name}\(.*?^}}\n", "", text, flags=re.MULTILINE | re.DOTALL)
        text += f"\ndeclare {head[1]} @{name}({head[2]})\n"
    return bytes(_smaller(llvm.parse_assembly(text)).as_bitcode())


def _smaller(module: Any) -> Any:
    """Leave out what the entry does not reach, and what no processor needs; loops stay as they are."""
    for part in (*module.functions, *module.global_variables):
        if not part.is_declaration and part.name != ahead.NAME:
            part.linkage = "internal"
    machine = cpu_target.target_context.codegen()._tm
    manager = passes.create_new_module_pass_manager()
    manager.add_global_dead_code_eliminate_pass()
    manager.add_sroa_pass()
    manager.add_simplify_cfg_pass()
    manager.add_instruction_combine_pass()
    manager.add_simplify_cfg_pass()
    options = llvm.create_pipeline_tuning_options(speed_level=0)
    manager.run(module, llvm.create_pass_builder(machine, options))
    module.verify()
    return module


def main() -> int:
    """Write the file."""
    header = {"sources": ahead.source_digest(), "llvm": llvm.llvm_version_info}
    ahead.CODE.write_bytes(json.dumps(header).encode() + b"\n" + lzma.compress(code(), preset=9))
    print(f"{ahead.CODE}: {ahead.CODE.stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
