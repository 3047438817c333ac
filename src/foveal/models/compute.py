"""Where and how numbers are computed: device, precision, seeds, progress."""

import os
import platform
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch

from foveal.core.errors import SpecError

Progress = Callable[[int, int], None]  # done, of

# Private to torch and not in all its versions; without them the answer is no.
NATIVE_BF16 = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")


def silent(_done: int, _of: int) -> None:
    """Progress that nobody watches."""


def pick_device(accelerator: str) -> torch.device:
    """The device an accelerator setting names.

    Raises:
        SpecError: if it is not there; a device is never changed silently.
    """
    have = {
        "cpu": True,
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
    }
    if accelerator == "auto":
        accelerator = next(name for name in ("cuda", "mps", "cpu") if have[name])
    if not have[accelerator]:
        raise SpecError(
            f"`train.accelerator: {accelerator}` must be present, but torch finds none; use "
            "auto or cpu"
        )
    return torch.device(accelerator)


def uses_bf16(device: torch.device, precision: str) -> bool:
    """Whether to compute in bfloat16: on request, or where the hardware multiplies it natively."""
    if precision != "auto":
        return precision == "bf16"
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return device.type == "cpu" and any(getattr(torch.cpu, ask, bool)() for ask in NATIVE_BF16)


def autocast(device: torch.device, precision: str) -> AbstractContextManager[object]:
    """Mixed precision for a block, or nothing."""
    if not uses_bf16(device, precision):
        return nullcontext()
    return torch.autocast(device.type, torch.bfloat16)


def use_threads(count: int) -> None:
    """Let torch compute with `count` threads; the last bit of sums depends on it."""
    torch.set_num_threads(count)


def machine() -> dict[str, str | int]:
    """What computed the results, for whoever wants to repeat them."""
    device = pick_device("auto")
    name = torch.cuda.get_device_name() if device.type == "cuda" else device.type
    return {
        "device": name,
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "processor": f"{platform.machine()}, {os.cpu_count()} cores",
        "bf16": str(uses_bf16(device, "auto")),
    }


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Torch's own generators set for a block, and given back as they were."""
    devices = list(range(torch.cuda.device_count())) if torch.cuda.is_available() else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed)
        yield
