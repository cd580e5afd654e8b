"""Weights of a model: a local folder or a hub name, safetensors only, checked before anything is loaded."""

from __future__ import annotations

import hashlib
import json
import re
from contextlib import redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass
from functools import lru_cache
from io import StringIO
from pathlib import Path
from typing import Any

from backtune.errors import ForecasterError

HUB_NAME = re.compile(r"[A-Za-z0-9][\w.\-]*/[A-Za-z0-9][\w.\-]*")
WANTED = ["*.safetensors", "*.json"]
PICKLED = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
LOADING_ERRORS = (
    RuntimeError, ValueError, TypeError, KeyError, AttributeError, AssertionError, OSError, ImportError
)  # fmt: skip
Signature = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True)
class Weights:
    """A folder with config.json and safetensors files that can be read.

    Attributes
    ----------
    name : str
        As the user gave it.
    folder : Path
    """

    name: str
    folder: Path

    @property
    def files(self) -> list[Path]:
        """The safetensors files and the configuration."""
        return [*sorted(self.folder.glob("*.safetensors")), self.folder / "config.json"]

    @property
    def signature(self) -> Signature:
        """Name, size and time of change of each file: cheap, and different once a file was replaced."""
        stats = [(str(path), path.stat()) for path in self.files]
        return tuple((path, stat.st_size, stat.st_mtime_ns) for path, stat in stats)

    @property
    def digest(self) -> str:
        """SHA-256 of the files' contents."""
        return _digest(self.signature)

    def keys(self) -> set[str]:
        """Names of the tensors in the files.

        Raises
        ------
        ForecasterError
            A file is damaged or cut short.
        """
        from safetensors import SafetensorError, safe_open

        names: set[str] = set()
        for path in self.files[:-1]:
            try:
                with safe_open(path, framework="numpy") as tensors:
                    names.update(tensors.keys())
            except (SafetensorError, OSError) as error:
                raise ForecasterError(
                    f"{self.name}: {path.name} is damaged or cut short ({_short(error)}); fetch it again"
                ) from None
        return names


def locate(name: str, extra: str) -> Weights:
    """Find the weights that `name` means, on disk or on the Hugging Face hub, and check that they are whole.

    A copy that was fetched before is used without asking the network.

    Raises
    ------
    ForecasterError
        No such folder or hub name, no network, no configuration, no safetensors file, or a damaged one.
    """
    need("safetensors", extra)
    folder = Path(name).expanduser()
    if not folder.is_dir():
        if not HUB_NAME.fullmatch(name):
            raise ForecasterError(
                f"{name}: no such folder; give a folder of weights or a hub name OWNER/NAME"
            )
        folder = _fetched(name, extra)
    weights = Weights(name, folder)
    _configuration(weights)
    if len(weights.files) == 1:
        pickled = sorted(path.name for path in folder.iterdir() if path.suffix in PICKLED)
        raise ForecasterError(
            f"{name}: holds pickled weights only ({pickled[0]}), which can run code when they are read; "
            "convert them to safetensors"
            if pickled
            else f"{name}: no .safetensors file in the folder; fetch the whole model again"
        )
    weights.keys()
    return weights


def check_all_loaded(model: Any, weights: str, found: set[str]) -> None:
    """Refuse a model some of whose tensors were not `found` in the files: its loader has left them random.

    Raises
    ------
    ForecasterError
    """
    tensors = model.state_dict(keep_vars=True)
    held = {tensor.data_ptr() for name, tensor in tensors.items() if name in found}
    missing = [
        name for name, tensor in tensors.items() if name not in found and tensor.data_ptr() not in held
    ]
    if missing:
        raise ForecasterError(
            f"{weights}: {len(missing)} of {len(tensors)} tensors of the model are not in its files "
            f"({missing[0]} is one); these are weights of another model, or only part of them"
        )


def loading(weights: Weights, load: Any) -> Any:
    """Call `load(folder)`; whatever a library says about wrong weights becomes one line.

    Raises
    ------
    ForecasterError
    """
    try:
        with redirect_stdout(StringIO()), redirect_stderr(StringIO()):  # loaders print, and draw bars
            return load(str(weights.folder))
    except ForecasterError:
        raise
    except LOADING_ERRORS as error:
        raise ForecasterError(
            f"{weights.name}: cannot be loaded as this model ({_short(error)}); "
            "check that the weights belong to it"
        ) from error


def need(package: str, extra: str) -> None:
    """Raise an error that names the extra where a package is not installed.

    Raises
    ------
    ForecasterError
    """
    from importlib.util import find_spec

    found = find_spec(package)
    if found is None or found.origin is None:  # without origin: a folder of that name that is no package
        raise ForecasterError(f"{package} is not installed; pip install 'backtune[{extra}]'")


@lru_cache(maxsize=16)
def versions_of(packages: tuple[str, ...]) -> dict[str, str]:
    """Versions of those distributions that are installed."""
    from importlib.metadata import PackageNotFoundError, version

    found = {}
    for package in packages:
        with suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


def _fetched(name: str, extra: str) -> Path:
    need("huggingface_hub", extra)
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        folder = Path(snapshot_download(name, allow_patterns=WANTED, local_files_only=True))
        if any(folder.glob("*.safetensors")):
            return folder
    except HFValidationError as error:
        raise ForecasterError(
            f"{name}: no folder, and no name the hub could have ({_short(error)})"
        ) from None
    except LocalEntryNotFoundError:
        pass
    try:
        return Path(snapshot_download(name, allow_patterns=WANTED))
    except Exception as error:  # the hub raises its own, requests' and httpx's errors
        raise ForecasterError(
            f"{name}: no such folder, and not to be had from the Hugging Face hub ({type(error).__name__}); "
            "check the name and the network, or fetch it elsewhere and give its folder"
        ) from error


def _configuration(weights: Weights) -> None:
    try:
        found = json.loads((weights.folder / "config.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ForecasterError(
            f"{weights.name}: no config.json in the folder; give the model's folder"
        ) from None
    except (OSError, ValueError):
        found = None
    if not isinstance(found, dict):
        raise ForecasterError(f"{weights.name}: config.json is not readable; fetch it again")


@lru_cache(maxsize=16)
def _digest(signature: Signature) -> str:
    sha = hashlib.sha256()
    for path, _, _ in signature:
        with open(path, "rb") as handle:
            sha.update(hashlib.file_digest(handle, "sha256").digest())
    return sha.hexdigest()


def _short(error: BaseException) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 120 else text[:117] + "..."
