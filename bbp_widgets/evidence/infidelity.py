"""Infidelity: how well an attribution foretells what happens when a patch of the picture goes away."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec

import torch
from torch import Tensor, nn

from ..engine import BadInput
from .batches import Progress, told
from .masking import baseline_like
from .methods import Method, chosen, in_eval, skipped_of
from .scores import Scores

__all__ = ["infidelity"]


def infidelity(
    network: nn.Module,
    x: Tensor,
    target: Tensor,
    methods: Mapping[str, Method],
    *,
    patch: int = 3,
    samples: int = 40,
    baseline: Tensor | float = 0.0,
    seed: int = 0,
    progress: Progress = True,
) -> Scores:
    """Replace square patches by ``baseline`` and compare the fall of the target with the attribution inside.

    The score is the mean over ``samples`` random patches of (attribution inside − fall of the target)², in squared
    target units. Captum computes it, each attribution first scaled by the one factor that suits it best, so that
    units do not matter. All methods meet the same patches, by ``seed``.

    Shapes: ``x`` ``(N, C, H, W)``, ``target`` ``(N,)``.
    Raises: ``ImportError`` without Captum; ``BadInput`` for what is no picture.
    Source: Yeh et al., "On the (In)fidelity and Sensitivity of Explanations", NeurIPS 2019, with square removal.
    """
    if find_spec("captum") is None:
        raise ImportError('infidelity is computed by Captum: pip install "bbp_widgets[evidence]".')
    if x.dim() != 4 or patch > min(x.shape[2:]):
        raise BadInput(f"pictures (N, C, H, W) of at least {patch} pixels are wanted, got {tuple(x.shape)}.")
    from captum.metrics import infidelity as captums

    empty = baseline_like(baseline, x)
    values = {}
    for name, method in told(methods.items(), len(methods), progress, lambda _: 1, "infidelity"):
        generator = torch.Generator().manual_seed(seed)

        def without_a_patch(
            inputs: Tensor, given: Tensor, generator: torch.Generator = generator
        ) -> tuple[Tensor, Tensor]:
            gone = _patches(inputs, patch, generator)
            return gone.to(inputs), torch.where(gone, given, inputs)

        def explained(inputs: Tensor) -> Tensor:
            return chosen(network(inputs), target.repeat(len(inputs) // len(target)))

        with in_eval(network):
            values[name] = captums(
                explained,
                without_a_patch,
                x,
                method(network, x, target),
                baselines=empty,
                n_perturb_samples=samples,
                max_examples_per_batch=len(x),
                normalize=True,
            ).cpu()
    return Scores(f"infidelity to {patch}×{patch} patches", "lower", values, skipped_of(methods), seed)


def _patches(x: Tensor, side: int, generator: torch.Generator) -> Tensor:
    """Give a square of truth in each sample, in all of its channels, (N, C, H, W)."""
    n, _, height, width = x.shape
    top, left = (
        torch.randint(size - side + 1, (n, 1, 1), generator=generator).to(x.device)
        for size in (height, width)
    )
    rows = torch.arange(height, device=x.device)[None, :, None] - top
    columns = torch.arange(width, device=x.device)[None, None, :] - left
    inside = (rows >= 0) & (rows < side) & (columns >= 0) & (columns < side)
    return inside[:, None].expand(x.shape)
