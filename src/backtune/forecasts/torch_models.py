"""What the torch adapters share: device, precision, compilation, quantization, and one load a process."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import chain
from typing import Any, ClassVar

from backtune.errors import ForecasterError, SettingError, one_of
from backtune.forecasts.arrays import Array
from backtune.forecasts.base import flag
from backtune.forecasts.batching import first_chunk_size
from backtune.forecasts.contexts import STEP, Context, ContextForecaster, Stopwatch
from backtune.forecasts.weights import Weights, check_all_loaded, loading, locate, need
from backtune.identity import Signature, version_of, versions_of

DTYPES = ("float32", "bfloat16")
QUANTIZATIONS = {None: None, "int8": "int8, a scale a row"}  # and what a forecast's identity calls them
DEVICE = re.compile(r"auto|cpu|mps|xpu(:\d+)?|cuda(:\d+)?")


class TorchForecaster(ContextForecaster):
    """A model in torch, with weights in safetensors files.

    Parameters
    ----------
    weights : str
        Name on the Hugging Face hub, or a local folder with config.json and safetensors files.
    context, point, cache
        See `ContextForecaster`.
    device : str
        "auto" (an accelerator where there is one), "cpu", "cuda", "cuda:1", "mps", "xpu".
    dtype : {"float32", "bfloat16"}
        bfloat16 computes under autocast; the weights stay as they are.
    compile : bool
        Compile the transformer with torch.compile; the first call takes 10 to 100 s more.
    quantize : {None, "int8"}
        Compute linear layers in 8-bit integers, a scale for each token; CPU only. An error where no layer
        can be swapped.

    Raises
    ------
    SettingError
    """

    kind: ClassVar[str]
    module: ClassVar[str]

    def __init__(
        self,
        weights: str,
        context: int = 512,
        point: str | float = "median",
        device: str = "auto",
        dtype: str = "float32",
        compile: bool = False,
        quantize: str | None = None,
        cache: bool = True,
    ) -> None:
        super().__init__(context, point, cache)
        if not isinstance(device, str) or not DEVICE.fullmatch(device):
            raise SettingError(f"device is {device!r}; expected auto, cpu, cuda, cuda:N, mps or xpu")
        if quantize is not None:
            one_of("quantize", quantize, ("int8",))
            if dtype != "float32":
                raise SettingError(f"quantize={quantize} was given with dtype={dtype}; choose one of them")
        self.weights, self.device = str(weights), device
        self.dtype, self.quantize = one_of("dtype", dtype, DTYPES), quantize
        self.compile = flag("compile", compile)
        self.name = f"{self.kind}:{self.weights}"
        self._loaded: tuple[tuple[Signature, ...], Any] | None = None
        self._warm = False

    def __getstate__(self) -> dict[str, Any]:
        """Leave the model out: another process loads it for itself."""
        return {**super().__getstate__(), "_loaded": None, "_warm": False}

    def identity(self) -> dict[str, Any]:
        """Kind, weights' hash, settings and versions; reads no weights into memory."""
        need(self.module.partition(".")[0], self.kind)
        return {
            "kind": self.kind,
            "weights": self._located().digest,
            "context": self.context,
            "device": self._device_here(),
            "dtype": self.dtype,
            "compile": self.compile,
            "quantize": QUANTIZATIONS[self.quantize],
            "padding": STEP if self.ragged else None,
            "versions": versions_of((*self.packages, "torch", "numpy")),
        }

    def _device_here(self) -> str:
        """The device, of "auto" the one that it means here: it moves the last digits of a forecast.

        A build of torch for CPUs alone is not imported for it.
        """
        if self.device != "auto":
            return self.device
        return "cpu" if version_of("torch").endswith("+cpu") else self.target_device().type

    def chunk_size(self) -> int:
        """Contexts a call to begin with, by the model's size and device."""
        parameters = sum(
            tensor.numel()
            for module in self.modules(self.model())
            for tensor in chain(module.parameters(), module.buffers())  # weights in integers are buffers
        )
        return first_chunk_size(parameters, self.target_device().type == "cpu")

    def predict(self, contexts: Sequence[Context], watch: Stopwatch) -> tuple[Array, Array | None]:
        """Quantiles (m, 3, levels), and samples (m, draws, 3) or None."""
        import torch

        with watch("load"):
            model = self.model()
        with watch("prepare"):
            inputs = self.prepare(model, contexts)
        with torch.no_grad(), self._precision():
            if self.compile and not self._warm:
                with watch("compile"):
                    self.forward(model, inputs)
                self._warm = True
            with watch("forward"):
                outputs = self.forward(model, inputs)
        with watch("post"):
            return self.finish(outputs, contexts)

    def model(self) -> Any:
        """Return the loaded model; loaded again where its files were replaced.

        Raises
        ------
        ForecasterError
        """
        weights = self._located()
        marks = tuple(mark for part in self.parts(weights) for mark in part.signature)
        if self._loaded is None or self._loaded[0] != marks:
            model = loading(weights, self.load)
            for module, part in zip(self.modules(model), self.parts(weights), strict=True):
                check_all_loaded(module, part.name, self.names(module, part.keys()))
                module.eval().to(self.target_device())
            self.prune(model)
            self._optimize(model)
            self._loaded = (marks, model)
        return self._loaded[1]

    def target_device(self) -> Any:
        """Device to compute on.

        Raises
        ------
        ForecasterError
            It is not there.
        """
        import torch

        if self.device == "auto":
            accelerator = torch.accelerator.current_accelerator(check_available=True)
            return accelerator or torch.device("cpu")
        device = torch.device(self.device)
        if device.type != "cpu":
            present = torch.accelerator.current_accelerator(check_available=True)
            count = torch.accelerator.device_count() if present else 0
            if present is None or present.type != device.type or (device.index or 0) >= count:
                raise ForecasterError(f"device {self.device} is not there; use device=auto or device=cpu")
        return device

    def parts(self, weights: Weights) -> list[Weights]:
        """Weights of each of `modules`."""
        return [weights]

    @abstractmethod
    def load(self, folder: str) -> Any:
        """Load the model by its library's own `from_pretrained`."""

    @abstractmethod
    def modules(self, model: Any) -> list[Any]:
        """Its torch modules, each of which has a weights folder."""

    def names(self, module: Any, names: set[str]) -> set[str]:
        """Names of the module's tensors that its loader took from the files, whose names are `names`."""
        return names

    @abstractmethod
    def blocks(self, model: Any) -> list[Any]:
        """Modules to compile."""

    def prune(self, model: Any) -> None:
        """Take work out of the loaded model that changes no forecast; nothing by default."""

    @abstractmethod
    def prepare(self, model: Any, contexts: Sequence[Context]) -> Any:
        """Tensors of a batch of contexts."""

    @abstractmethod
    def forward(self, model: Any, inputs: Any) -> Any:
        """Run the model; the result lies on the CPU."""

    @abstractmethod
    def finish(self, outputs: Any, contexts: Sequence[Context]) -> tuple[Array, Array | None]:
        """Moves from what the model gave."""

    def _located(self) -> Weights:
        return locate(self.weights, self.kind)

    def _precision(self) -> AbstractContextManager[Any]:
        import torch

        if self.dtype == "float32":
            return nullcontext()
        precision: AbstractContextManager[Any] = torch.autocast(self.target_device().type, torch.bfloat16)
        return precision

    def _optimize(self, model: Any) -> None:
        self._warm = False
        if self.quantize:
            from backtune.forecasts.int8 import swap_linear_layers

            if self.target_device().type != "cpu":
                raise ForecasterError(
                    "quantize=int8 works on the CPU only; give device=cpu, or use dtype=bfloat16"
                )
            if sum(swap_linear_layers(module) for module in self.modules(model)) == 0:
                raise ForecasterError(
                    f"{self.name}: quantize={self.quantize} found no layer that it could swap, so the model "
                    "would run as it is; leave quantize out, or use dtype=bfloat16"
                )
        if self.compile:
            need_compiler(self.target_device())
            for block in self.blocks(model):
                block.compile()


def need_compiler(device: Any) -> None:
    """Raise an error where torch.compile has no C++ compiler to build CPU code with.

    Raises
    ------
    ForecasterError
    """
    import os
    import shutil

    compilers = [os.environ.get("CXX", ""), "g++", "clang++"]
    if device.type == "cpu" and not any(name and shutil.which(name) for name in compilers):
        raise ForecasterError("compile=true needs a C++ compiler; install g++ or leave compile out")
