"""Devices are never changed silently, and chance is given back."""

import pytest
import torch

from foveal.core.errors import SpecError
from foveal.models import machine, pick_device, use_threads
from foveal.models.compute import NATIVE_BF16, autocast, seeded, uses_bf16

CPU = torch.device("cpu")


@pytest.fixture
def only_cpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)


@pytest.mark.parametrize("accelerator", ["cpu", "auto"])
def test_the_cpu_is_always_there(only_cpu, accelerator):
    assert pick_device(accelerator) == CPU


@pytest.mark.parametrize("accelerator", ["cuda", "mps"])
def test_a_missing_accelerator_is_an_error_not_the_cpu(only_cpu, accelerator):
    with pytest.raises(SpecError, match=f"accelerator: {accelerator}.*use auto or cpu"):
        pick_device(accelerator)


def test_auto_prefers_what_is_fastest(only_cpu, monkeypatch):
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert pick_device("auto").type == "mps"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert pick_device("auto").type == "cuda"


@pytest.mark.parametrize("has", [True, False])
def test_a_request_decides_whatever_the_hardware(monkeypatch, has):
    for probe in NATIVE_BF16:
        monkeypatch.setattr(torch.cpu, probe, lambda: has, raising=False)
    assert uses_bf16(CPU, "bf16")
    assert not uses_bf16(CPU, "32")
    assert uses_bf16(CPU, "auto") is has


def test_without_a_way_to_ask_half_precision_is_not_used(monkeypatch):
    for probe in NATIVE_BF16:
        monkeypatch.delattr(torch.cpu, probe, raising=False)
    assert not uses_bf16(CPU, "auto")


@pytest.mark.parametrize("has", [True, False])
def test_a_gpu_is_asked_whether_it_multiplies_half_precision_itself(monkeypatch, has):
    monkeypatch.setattr(
        torch.cuda, "is_bf16_supported", lambda including_emulation: has or including_emulation
    )
    assert uses_bf16(torch.device("cuda"), "auto") is has


def test_other_devices_compute_in_full_unless_asked():
    assert not uses_bf16(torch.device("mps"), "auto")


@pytest.mark.parametrize(("precision", "dtype"), [("32", torch.float32), ("bf16", torch.bfloat16)])
def test_autocast_is_what_was_asked_for(precision, dtype):
    a = torch.rand(4, 4)
    with autocast(CPU, precision):
        assert (a @ a).dtype == dtype
    assert (a @ a).dtype == torch.float32


def test_a_seed_names_the_numbers_and_the_generator_is_given_back():
    before = torch.get_rng_state()
    with seeded(7):
        first = torch.rand(3)
    assert torch.equal(torch.get_rng_state(), before)
    with seeded(7):
        again = torch.rand(3)
    with seeded(8):
        other = torch.rand(3)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_the_generator_is_given_back_after_a_failure():
    def body():
        with seeded(7):
            torch.rand(3)
            raise RuntimeError("stop")

    before = torch.get_rng_state()
    with pytest.raises(RuntimeError, match="stop"):
        body()
    assert torch.equal(torch.get_rng_state(), before)


def test_threads_are_set_and_the_machine_says_so():
    before = torch.get_num_threads()
    use_threads(2)
    try:
        about = machine()
        assert about["threads"] == 2
    finally:
        use_threads(before)
    assert about["torch"] == torch.__version__
    assert set(about) == {"device", "threads", "torch", "python", "processor", "bf16"}
