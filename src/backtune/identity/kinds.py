"""What objects are made of: functions inside others, attributes, and what does not count."""

from __future__ import annotations

import functools
import inspect
import sys
import types
from typing import Any

SKIPPED = {  # of a class: what it is made of, not what it does
    "__module__", "__doc__", "__dict__", "__weakref__", "__annotations__", "__annotate__",
    "__annotate_func__", "__annotations_cache__", "__conditional_annotations__", "__firstlineno__",
    "__static_attributes__", "__abstractmethods__", "_abc_impl", "__dataclass_fields__",
    "__dataclass_params__", "__match_args__", "__parameters__", "__orig_bases__",
}  # fmt: skip
BUILT_IN = (
    types.BuiltinFunctionType,
    types.GetSetDescriptorType, types.MemberDescriptorType, types.WrapperDescriptorType,
    types.MethodDescriptorType, types.ClassMethodDescriptorType, types.MethodWrapperType,
)  # fmt: skip


def wrapped(item: Any) -> Any:
    """Return the function inside a static or class method, a cache, or a function compiled by numba."""
    if isinstance(item, staticmethod | classmethod):
        return item.__func__
    if isinstance(item, functools.cached_property):
        return item.func
    if isinstance(item, functools._lru_cache_wrapper):
        return item.__wrapped__
    return inspect.getattr_static(item, "py_func", None) and item.py_func


def owner_of(item: Any) -> types.ModuleType | None:
    """Module that a function or class was imported from."""
    if not isinstance(item, types.FunctionType | type):
        return None
    return sys.modules.get(item.__module__ or "")


def attributes_of(item: Any) -> dict[str, Any]:
    """Attributes of an object, those in slots too."""
    named = (vars(part).get("__slots__", ()) for part in type(item).__mro__)
    slots = [name for names in named for name in ((names,) if isinstance(names, str) else names)]
    held = {name: getattr(item, name) for name in slots if name[:2] != "__" and hasattr(item, name)}
    return held | getattr(item, "__dict__", {})
