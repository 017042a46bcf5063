"""Shares by φ = exp(τ|w||x|) without an exponential: a few convolutions of powers (``exponential.py``)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from .exponential import REACHES, Fit, powers
from .mixing import Dense

__all__ = ["PowerShares", "fit_for"]


def fit_for(bound: Tensor) -> Fit:
    """Return the shortest sum of powers that holds for all but a few units, by the bounds of their exponents.

    A unit written out costs some hundred times what a power more costs it, so half a percent of them may be.
    """
    few = bound.numel() // 200
    for reach in REACHES:
        if reach == REACHES[-1] or int((bound > reach).sum()) <= few:
            break
    fit = powers(reach)
    assert fit is not None
    return fit


@dataclass(frozen=True, slots=True)
class PowerShares:
    """The units of a node, sharing by φ = exp(tau · rates · inputs)."""

    mixing: Dense
    rates: Tensor  # |W| over the largest of its row
    inputs: Tensor  # |x| over the largest of its sample
    tau: Tensor
    count: Tensor

    #: A term below this part of a unit's smallest φ is left out: a unit of small exponents has no high powers.
    _NEGLIGIBLE: ClassVar[float] = math.log(1e-6)

    def largest_exponent(self) -> Tensor:
        """Return a bound of the largest exponent of each unit: the 8-norm of its fan-in, or a coarser one.

        Σ z^8 costs one convolution, and its root is within a few parts in ten of the largest z, where the largest
        weight times the largest input is twice that and more; a smaller bound needs fewer powers.
        """
        coarse = self.tau * self.mixing.reach(self.inputs)
        power_sum = self.mixing.total(self.rates**8, self.inputs**8)
        norm = torch.minimum(self.tau * power_sum ** (1 / 8), coarse)
        return torch.where(power_sum > 1e-28, norm, coarse)  # below it, the powers may have underflowed

    def in_range(self, bound: Tensor, fit: Fit) -> Tensor:
        """Return the units that the sum reaches and whose terms are ordinary numbers, on the way there and back.

        A unit with large exponents from strengths that are small next to the layer's largest is none: its slope to a
        high power overflows, while its strengths to that power underflow.
        """
        reach, terms = fit
        log_slope, log_part = self._logs(self.tau, reach), self._logs(bound, reach)
        room = math.log(torch.finfo(bound.dtype).max) - 20
        okay = bound <= reach
        for exponent, coefficient in terms:
            constant = math.log(coefficient)
            left_out = log_part * exponent < self._NEGLIGIBLE - constant
            okay &= left_out | (log_slope * exponent < room - constant)
        return okay

    def share(self, mass: Tensor, bound: Tensor, fit: Fit) -> tuple[Tensor, ...]:
        """Give every input its part of these units' mass; units that are written out have none here."""
        reach, terms = fit
        log_slope, log_part = self._logs(self.tau, reach), self._logs(bound, reach)
        log_inputs = self.inputs.log()  # -inf where zero, which exp brings back to zero
        total = self.count.expand(mass.shape).clone()  # the power zero
        parts = []
        for exponent, coefficient in terms:
            kept = (log_part * exponent >= self._NEGLIGIBLE - math.log(coefficient)) & (mass != 0)
            factor = torch.where(kept, log_slope * exponent, -math.inf).exp_()
            rate_power = self.rates**exponent * coefficient
            input_power = (log_inputs * exponent).exp_()
            total.addcmul_(factor, self.mixing.total(rate_power, input_power))
            parts.append((factor, rate_power, input_power))
        ratio = mass / total
        given = tuple(array.contiguous() for array in self.mixing.scatter(ratio))  # it may return a view
        for factor, rate_power, input_power in parts:
            for array, part in zip(
                given, self.mixing.hand_out(rate_power, input_power, factor.mul_(ratio)), strict=True
            ):
                array.add_(part)
        return given

    @staticmethod
    def _logs(array: Tensor, reach: float) -> Tensor:
        return (array / reach).clamp(min=1e-38).log_()
