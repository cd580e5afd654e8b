"""Identities, digests and keys: plain values from anything."""

from __future__ import annotations

import functools
import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from types import FunctionType
from typing import Any

import numpy as np

from backtune.identity.difference import untold
from backtune.identity.origin import BASE, namespace_of, origin, versions_of
from backtune.identity.walk import Walk, joined

LEAVES = (str, int, float, bool)  # types that JSON knows; the first two are nearly all that there is


def identity_of(item: Any, label: str = "", packages: Iterable[str] = ()) -> dict[str, Any]:
    """Plain values that decide what an object does.

    Parameters
    ----------
    item : object
        A plug-in, a function, or data.
    label : str
        What it is called where something about it is said.
    packages : iterable of str
        Installed packages that it declares; those that its code uses are seen.

    Returns
    -------
    dict
        ``is``, a hash of everything; and what that is made of, where there is any: ``code`` (hashes of the
        user's own functions by name), ``values`` (of globals, closures, defaults, arguments and attributes;
        hashes but for numbers), ``modules`` and ``files`` (hashes of their content), ``packages`` (versions),
        and ``untold``: what cannot be told, in words.
    """
    walk = Walk(_own_packages(item))
    token = walk.token(item, label or type(item).__name__)
    walk.packages |= versions_of(packages)
    walk.finish()
    parts = {
        "is": joined(token)[:32],
        "code": {name: digest[:16] for name, digest in walk.code.items()},
        "values": walk.values,
        "modules": {name: digest[:16] for name, digest in walk.modules.items()},
        "files": walk.named_files.files,
        "packages": walk.packages,
        "untold": walk.untold,
    }
    return {name: part for name, part in parts.items() if part}


def source_of(plug_in: Any) -> dict[str, Any]:
    """Code of a plug-in's class and versions of its `packages`, where it says itself what else decides."""
    said = identity_of(type(plug_in), type(plug_in).__qualname__, getattr(plug_in, "packages", ()))
    return {name: part for name, part in said.items() if name != "untold"}


def plain(value: Any) -> Any:
    """Give a value as JSON knows it; of an object that it does not know, its identity."""
    kind = type(value)
    if kind in LEAVES:
        return value
    if kind is dict:  # a run looks through thousands; most of what is in them is plain
        return {str(name): part if type(part) in LEAVES else plain(part) for name, part in value.items()}
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        return {str(name): plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    if isinstance(value, set | frozenset):
        return sorted((plain(part) for part in value), key=repr)
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    return identity_of(value)


def digest_of(value: Any) -> str:
    """SHA-256 of plain values, as JSON with sorted keys."""
    return hashlib.sha256(json.dumps(plain(value), sort_keys=True).encode()).hexdigest()


def key_of(identity: Mapping[str, Any]) -> str:
    """Hash of an identity, as 64 hexadecimal digits; empty where part of it cannot be told."""
    return "" if untold(identity) else digest_of(identity)


def array_digest(*arrays: Any) -> str:
    """SHA-256 of arrays, their shapes and types; None stands for one that is not there."""
    sha = hashlib.sha256()
    for item in arrays:
        if item is None:
            sha.update(b"none")
            continue
        array = np.ascontiguousarray(item)
        sha.update(f"{array.dtype.str} {array.shape}".encode())
        sha.update(array.tobytes())
    return sha.hexdigest()


def _own_packages(item: Any) -> frozenset[str]:
    """Installed packages that a plug-in itself is of: their code is read, whatever their version says."""
    tops = set()
    for thing in (type(item), item, *getattr(item, "__dict__", {}).values()):
        while isinstance(thing, functools.partial):
            thing = thing.func
        thing = getattr(thing, "__func__", thing)
        if isinstance(thing, FunctionType | type):
            namespace = thing.__globals__ if isinstance(thing, FunctionType) else namespace_of(thing)
            if origin(namespace) == "library":
                tops.add(str(namespace.get("__name__")).partition(".")[0])
    return frozenset(tops - set(BASE))
