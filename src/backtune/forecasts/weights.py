"""Weights of a model: a local folder or a hub name, safetensors only, checked before anything is loaded."""

from __future__ import annotations

import json
import os
import re
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from backtune.errors import ForecasterError
from backtune.identity import Signature, digest_of, file_digest, signature

HUB_NAME = re.compile(r"[A-Za-z0-9][\w.\-]*/[A-Za-z0-9][\w.\-]*")
WANTED = ["*.safetensors", "*.json"]
PICKLED = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
LOADING_ERRORS = (
    RuntimeError, ValueError, TypeError, KeyError, AttributeError, AssertionError, OSError, ImportError
)  # fmt: skip


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
    def tensors(self) -> list[Path]:
        """The safetensors files."""
        return sorted(self.folder.glob("*.safetensors"))

    @property
    def files(self) -> list[Path]:
        """All that a model is loaded from: the safetensors files, the configuration and its like."""
        return [*self.tensors, *sorted(self.folder.glob("*.json"))]

    @property
    def signature(self) -> tuple[Signature, ...]:
        """Mark of each file: cheap, and different once a file was replaced."""
        return tuple(map(signature, self.files))

    @property
    def digest(self) -> str:
        """SHA-256 of the files' names and contents."""
        return digest_of([[path.name, file_digest(path)] for path in self.files])

    def keys(self) -> set[str]:
        """Names of the tensors in the files.

        Raises
        ------
        ForecasterError
            A file is damaged or cut short.
        """
        from safetensors import SafetensorError, safe_open

        names: set[str] = set()
        for path in self.tensors:
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
    folder = Path(os.path.expanduser(name))  # as it is where nobody knows a home
    if not folder.is_dir():
        if not HUB_NAME.fullmatch(name):
            raise ForecasterError(
                f"{name}: no such folder; give a folder of weights or a hub name OWNER/NAME"
            )
        folder = _fetched(name, extra)
    weights = Weights(name, folder)
    _configuration(weights)
    if not weights.tensors:
        pickled = sorted(path.name for path in folder.iterdir() if path.suffix in PICKLED)
        raise ForecasterError(
            f"{name}: holds pickled weights only ({pickled[0]}), which can run code when they are read; "
            "convert them to safetensors"
            if pickled
            else f"{name}: no .safetensors file in the folder; fetch the whole model again"
        )
    weights.keys()
    return weights


def check_all_loaded(model: Any, weights: str, names: set[str]) -> None:
    """Refuse a model some of whose tensors `names`, those in the files, lack: its loader left them random.

    Raises
    ------
    ForecasterError
    """
    tensors = model.state_dict(keep_vars=True)
    held = {tensor.data_ptr() for name, tensor in tensors.items() if name in names}
    missing = [
        name for name, tensor in tensors.items() if name not in names and tensor.data_ptr() not in held
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

    spec = find_spec(package)
    if spec is None or spec.origin is None:  # without origin: a folder of that name that is no package
        raise ForecasterError(f"{package} is not installed; pip install 'backtune[{extra}]'")


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
        configuration = json.loads((weights.folder / "config.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ForecasterError(
            f"{weights.name}: no config.json in the folder; give the model's folder"
        ) from None
    except (OSError, ValueError):
        configuration = None
    if not isinstance(configuration, dict):
        raise ForecasterError(f"{weights.name}: config.json is not readable; fetch it again")


def _short(error: BaseException) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 120 else text[:117] + "..."
