"""The network and torch itself are left as they were: after success, and after an error at every stage."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import Any

import pytest
import torch
from engine.nets import randomized
from torch import Tensor, nn
from torch.autograd import forward_ad
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.utils import parametrizations
from torch.overrides import _get_current_function_mode_stack
from torch.utils._python_dispatch import _get_current_dispatch_mode_stack

import bbp_widgets as bbp


class Busy(nn.Module):
    """Does to itself what networks do to themselves, and breaks where it is told to."""

    def __init__(self, breaks: str = "") -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.same = self.conv  # one module under two names
        self.norm = nn.BatchNorm2d(4)
        self.relu = nn.ReLU(inplace=True)
        self.drop = nn.Dropout(0.5)
        self.attend = nn.MultiheadAttention(4, 2, batch_first=True)
        self.weighted = parametrizations.weight_norm(nn.Linear(4, 4))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # deprecated, and in many networks
            self.hooked = nn.utils.weight_norm(nn.Linear(4, 4))
        self.idle = nn.Linear(2, 2)
        self.head = nn.Linear(4, 5)
        self.register_buffer("calls", torch.zeros(()))
        self.register_buffer("last", torch.zeros(1))
        self.register_buffer("nothing", None)
        self.features: Tensor | None = None
        self.count = 0
        self.log: list[Tensor] = []
        self.cache: dict[str, Tensor] = {}
        self.breaks = breaks

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        self.last = x.mean((1, 2, 3))
        self.count += 1
        x = self.drop(self.relu(self.norm(self.conv(x))))
        self.features = x
        self.log.append(x)
        self.cache["features"] = x.sum()
        self.new = x
        self.breaking(x)
        rows = x.flatten(2).transpose(1, 2)
        rows = rows + self.attend(rows, rows, rows, need_weights=False)[0]
        return self.head(self.hooked(self.weighted(rows.mean(1))))

    def breaking(self, x: Tensor) -> None:
        if self.breaks == "error":
            raise ZeroDivisionError("in the middle")
        if self.breaks == "interrupt":
            raise KeyboardInterrupt
        if self.breaks == "op":
            x += torch.special.i0(x)
        if self.breaks == "nan":
            x += torch.nan


def busy(breaks: str = "") -> tuple[Busy, Tensor]:
    torch.manual_seed(0)
    network = randomized(Busy(breaks))
    network.conv.bias.requires_grad_(False)
    network.head.weight.grad = torch.ones_like(network.head.weight)
    network.hits = []
    network.norm.register_forward_hook(lambda module, args, output: None)
    network.head.register_full_backward_hook(lambda module, before, after: None)
    network.train()
    network.norm.eval()  # a frozen norm inside a network in training
    return network, torch.randn(2, 3, 4, 4, generator=torch.Generator().manual_seed(1))


def of_network(network: nn.Module) -> list[Any]:
    """Return everything that can be seen of a network, tensors as copies beside their identity."""
    seen: list[Any] = []
    for module in network.modules():
        for name, value in vars(module).items():
            seen.append((name, id(value)))
            if isinstance(value, (dict, list, set)):
                seen.append(list(map(id, value.values() if isinstance(value, dict) else value)))
                seen.append(list(value) if isinstance(value, dict) else None)
        seen.append((type(module), module.training))
    for name, tensor in [*network.named_parameters(), *network.named_buffers()]:
        grad = None if tensor.grad is None else (id(tensor.grad), tensor.grad.clone())
        seen.append(
            (name, tensor.clone(), tensor.dtype, tensor.requires_grad, tensor.data_ptr(), type(tensor), grad)
        )
    return seen


def of_torch() -> list[Any]:
    """Return the global flags, modes and hooks that could be left switched."""
    cuda, hooks = torch.backends.cuda, vars(nn.modules.module)
    return [
        torch.is_grad_enabled(), torch.is_inference_mode_enabled(), torch.get_default_dtype(), torch.get_rng_state(),
        cuda.flash_sdp_enabled(), cuda.mem_efficient_sdp_enabled(), cuda.math_sdp_enabled(), cuda.cudnn_sdp_enabled(),
        torch.backends.mha.get_fastpath_enabled(), torch.backends.mkldnn.enabled, torch.is_anomaly_enabled(),
        torch.are_deterministic_algorithms_enabled(), torch.is_autocast_enabled("cpu"), list(warnings.filters),
        _get_current_dispatch_mode_stack(), _get_current_function_mode_stack(), forward_ad._current_level,
        torch._C._functorch.peek_interpreter_stack(),
        *((name, list(value)) for name, value in sorted(hooks.items()) if name.startswith("_global") and value),
    ]  # fmt: skip


def same(a: Any, b: Any) -> bool:
    if isinstance(a, Tensor):
        return isinstance(b, Tensor) and torch.equal(a, b)
    if isinstance(a, (list, tuple)):
        return type(a) is type(b) and len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    return bool(a == b)


def assert_left_alone(network: nn.Module, x: Tensor, call: Callable[[], Any]) -> None:
    inputs = x.clone()
    before, around = of_network(network), of_torch()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "the network is in training mode")
        call()
    for old, new in zip(before, of_network(network), strict=True):
        assert same(old, new), (old, new)
    for old, new in zip(around, of_torch(), strict=True):
        assert same(old, new), (old, new)
    assert torch.equal(x, inputs)
    assert x.grad is None


class Failing(bbp.rules.Rule):
    name, says = "failing", "nothing"

    def phi(self, tile: bbp.rules.Tile) -> Tensor:
        raise ZeroDivisionError


SUCCESSES: dict[str, Callable[[nn.Module, Tensor], Any]] = {
    "attribute": lambda net, x: bbp.attribute(net, x).ledger,
    "double": lambda net, x: bbp.attribute(net, x, dtype=torch.float64).ledger,
    "half": lambda net, x: bbp.attribute(net, x.half()).ledger,
    "gated": lambda net, x: bbp.attribute(net, x, linearization="gated").ledger,
    "softmax": lambda net, x: bbp.attribute(net, x, rule="softmax", plan={"first": "uniform"}).ledger,
    "callable": lambda net, x: bbp.attribute(net, x, lambda out: out.log_softmax(1)[:, 2]).ledger,
    "wrt": lambda net, x: bbp.attribute(net, x, wrt=("norm", "attend")).ledger,
    "parts": lambda net, x: bbp.attribute(net, x, batch_size=1).ledger,
    "decompose": lambda net, x: bbp.decompose(net, x),
    "decompose_half": lambda net, x: bbp.decompose(net, x.half()),
}


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("name", SUCCESSES)
def test_after_success(name: str, training: bool) -> None:
    network, x = busy()
    if not training:
        network.eval()
    assert_left_alone(network, x, lambda: SUCCESSES[name](network, x))


errors = bbp.errors
#: What breaks in the network, the call, and what comes of it.
FAILURES: dict[str, tuple[str, Callable[[nn.Module, Tensor], Any], type[BaseException]]] = {
    "forward": ("error", bbp.attribute, errors.NotCaptured),
    "forward_double": (
        "error",
        lambda net, x: bbp.attribute(net, x, dtype=torch.float64),
        errors.NotCaptured,
    ),
    "forward_of_decompose": ("error", bbp.decompose, errors.NotCaptured),
    "interrupt": ("interrupt", bbp.attribute, KeyboardInterrupt),
    "interrupt_double": (
        "interrupt",
        lambda net, x: bbp.linearize(net, x, dtype=torch.float64),
        KeyboardInterrupt,
    ),
    "interrupt_of_decompose": ("interrupt", bbp.decompose, KeyboardInterrupt),
    "second_part": ("", lambda net, x: bbp.attribute(net, x, [0, 99], batch_size=1), errors.BadTarget),
    "op": ("op", bbp.attribute, errors.UnsupportedOp),
    "op_double": ("op", lambda net, x: bbp.attribute(net, x, dtype=torch.float64), errors.UnsupportedOp),
    "not_finite": ("nan", bbp.attribute, errors.BadTarget),
    "shape": ("", lambda net, x: bbp.attribute(net, x[:, :1]), errors.NotCaptured),
    "shape_of_decompose": ("", lambda net, x: bbp.decompose(net, x[:, :1]), errors.NotCaptured),
    "input": ("", lambda net, x: bbp.attribute(net, x * torch.inf), errors.BadInput),
    "target": ("", lambda net, x: bbp.attribute(net, x, 99), errors.BadTarget),
    "target_callable": ("", lambda net, x: bbp.attribute(net, x, lambda out: 1 / 0), ZeroDivisionError),
    "target_shape": ("", lambda net, x: bbp.attribute(net, x, lambda out: out), errors.BadTarget),
    "rule": ("", lambda net, x: bbp.attribute(net, x, rule="softmx"), errors.UnknownRule),
    "parameter": (
        "",
        lambda net, x: bbp.attribute(net, x, rule="softmax", temperature=-1),
        errors.UnknownRule,
    ),
    "plan": ("", lambda net, x: bbp.attribute(net, x, plan={"layer9": "uniform"}), errors.UnknownRule),
    "phi": ("", lambda net, x: bbp.attribute(net, x, rule=Failing()), ZeroDivisionError),
    "phi_in_a_plan": ("", lambda net, x: bbp.attribute(net, x, plan={"first": Failing()}), ZeroDivisionError),
    "wrt_unknown": ("", lambda net, x: bbp.attribute(net, x, wrt="layer9"), errors.BadInput),
    "wrt_idle": ("", lambda net, x: bbp.attribute(net, x, wrt="idle"), errors.BadInput),
    "linearization": ("", lambda net, x: bbp.attribute(net, x, linearization="secant"), errors.BadInput),
    "batch_size": ("", lambda net, x: bbp.attribute(net, x, batch_size=0), errors.BadInput),
}


@pytest.mark.parametrize("name", FAILURES)
def test_after_an_error(name: str) -> None:
    breaks, call, kind = FAILURES[name]
    network, x = busy(breaks)

    def fails() -> None:
        with pytest.raises(kind):
            call(network, x)

    assert_left_alone(network, x, fails)


def test_after_an_error_it_works_as_before() -> None:
    network, x = busy()
    expected = bbp.attribute(network.eval(), x)
    for breaks, call, kind in FAILURES.values():
        network.breaks = breaks
        with pytest.raises(kind):
            call(network, x)
        network.breaks = ""
        assert torch.equal(bbp.attribute(network, x).bias, expected.bias)


def test_an_error_of_a_hook_of_the_users_own() -> None:
    network, x = busy()

    def hook(module: nn.Module, args: Any, output: Any) -> None:
        raise ZeroDivisionError

    network.head.register_forward_hook(hook)

    def fails() -> None:
        for call in (bbp.attribute, bbp.decompose):
            with pytest.raises(errors.NotCaptured, match="ZeroDivisionError"):
                call(network, x)

    assert_left_alone(network, x, fails)


def test_a_progress_callback_that_raises_at_any_of_its_calls() -> None:
    network, x = busy()
    network.eval()
    local = bbp.linearize(network, x)

    def stop_at(step: int) -> Callable[[int, int], None]:
        def progress(done: int, total: int) -> None:
            if done == step:
                raise errors.Cancelled(f"at {done} of {total}")

        return progress

    expected = local.attribute()
    for step in range(len(local.nodes)):
        for call in (
            lambda step=step: bbp.linearize(network, x, progress=stop_at(step)),
            lambda step=step: local.attribute(progress=stop_at(step)),
        ):

            def cancelled(call: Callable[[], Any] = call) -> None:
                with pytest.raises(errors.Cancelled):
                    call()

            assert_left_alone(network, x, cancelled)
    assert torch.equal(local.attribute().bias, expected.bias)  # nor is the local model spoiled


@pytest.fixture
def switched() -> Iterator[None]:
    """A user who has turned the fast path off, whatever torch came with."""
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    yield
    torch.backends.mha.set_fastpath_enabled(before)


AROUND: dict[str, Callable[[], Any]] = {
    "plainly": nullcontext,
    "no_grad": torch.no_grad,
    "inference_mode": torch.inference_mode,
    "one_kernel": lambda: sdpa_kernel(SDPBackend.MATH),
    "anomaly": lambda: torch.autograd.set_detect_anomaly(True),
}


@pytest.mark.filterwarnings("ignore:Anomaly Detection has been enabled")
@pytest.mark.parametrize("name", AROUND)
def test_whatever_is_switched_around_it_stays_so(name: str, switched: None) -> None:
    network, x = busy()
    with AROUND[name]():
        for call in (SUCCESSES["attribute"], SUCCESSES["decompose"]):
            assert_left_alone(network, x, lambda call=call: call(network, x))
    assert torch.backends.mha.get_fastpath_enabled() is False


def test_a_fused_encoder_keeps_its_fast_path() -> None:
    layer = nn.TransformerEncoderLayer(4, 2, 8, batch_first=True)
    network = randomized(nn.Sequential(nn.TransformerEncoder(layer, 1), nn.Flatten(), nn.Linear(12, 2)))
    x = torch.randn(2, 3, 4)
    with torch.no_grad():
        expected = network(x)
    assert_left_alone(network, x, lambda: bbp.attribute(network, x).ledger)
    with torch.no_grad():
        assert torch.equal(network(x), expected)


def test_results_outlive_a_change_of_the_network_and_its_parts_are_refused_after_it() -> None:
    network, x = busy()
    network.eval()
    local = bbp.linearize(network, x)
    result, read = local.attribute(), local.attribute()
    assert read.unshared.abs().max() == 0
    before = [t.clone() for t in (local.w, local.b, result.bias, read.residual)]
    with torch.no_grad():
        network.conv.bias.add_(1)
        x.zero_()
    for old, new in zip(before, (local.w, local.b, result.bias, read.residual), strict=True):
        assert torch.equal(old, new)
    for call in (local.attribute, lambda: local.attribute("uniform"), lambda: result.ledger):
        with pytest.raises(errors.NotCaptured, match="was changed since"):
            call()
    moved = bbp.linearize(network, x)
    network.double()
    with pytest.raises(errors.NotCaptured, match="was changed since"):
        moved.attribute()


def test_nothing_is_kept_of_a_network_that_is_gone() -> None:
    import gc
    import weakref

    network, x = busy()
    gone = weakref.ref(network.eval())
    result = bbp.attribute(network, x)
    del network
    gc.collect()
    assert gone() is None
    assert result.residual.abs().max() < 1e-4
    assert F.relu(result.bias).isfinite().all()
