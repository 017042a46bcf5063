"""Shares by exponentials of |s| or ±s without an exponential: a few convolutions of powers (``exponential.py``).

A strength is s = ±(scale of the unit) · rate · input, so the power a of its size is the product of three powers, and
Σ_p |s_p|^a over a fan-in is one ordinary convolution (or product) of powers of weights with powers of inputs. With
signs on both, the same convolution gives Σ_p sgn(s_p) |s_p|^a, which tells the inputs that push up from the others.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from .exponential import Fit
from .mixing import Dense

__all__ = ["PowerShares", "Reading"]

#: A term below this part of a unit's smallest φ is left out: a unit of small exponents has no high powers.
_NEGLIGIBLE = math.log(1e-6)
#: Powers of one node that are kept for the way back, in elements; beyond it they are computed twice.
_KEPT = 1 << 23
#: What the φ of a unit may be off by, all together, as a part of their sum.
_TOLERANCE = 1e-4


@dataclass(frozen=True, slots=True)
class Reading:
    """How the size z of a strength is read: φ = exp(z) where it counts for the unit, exp(−z) where against.

    ``same`` says what happens to strengths of the unit's sign, ``other`` to those of the other one: 1 or −1.
    """

    same: int
    other: int

    @property
    def signed(self) -> bool:
        """Return whether the sign of a strength matters."""
        return self.same != self.other


class PowerShares:
    """The units of a node, sharing by powers of |s| = tau · rates · inputs."""

    def __init__(
        self, mixing: Dense, rates: Tensor, inputs: Tensor, tau: Tensor, count: Tensor, reading: Reading
    ) -> None:
        """``rates`` and ``inputs`` are |W| and |x| with their scales taken off, ``tau`` is per unit."""
        self.mixing, self.rates, self.inputs, self.reading = mixing, rates, inputs, reading
        self.tau, self.count = tau, count

    def largest_exponent(self) -> Tensor:
        """Return a bound of the largest exponent of each unit: the 8-norm of its fan-in, or a coarser one.

        Σ z^8 costs one convolution, and its root is within a few parts in ten of the largest z, where the largest
        weight times the largest input is twice that and more; a smaller bound needs fewer powers.
        """
        coarse = self.tau * self.mixing.reach(self.inputs)
        fourth = [(side * side).square_() for side in (self.rates, self.inputs)]
        power_sum = self.mixing.total(fourth[0].square_(), fourth[1].square_())
        norm = torch.minimum(self.tau * power_sum ** (1 / 8), coarse)
        return torch.where(power_sum > 1e-28, norm, coarse)  # below it, the powers may have underflowed

    def in_range(self, bound: Tensor, fit: Fit) -> Tensor:
        """Return the units that the sum reaches and whose terms are ordinary numbers, on the way there and back.

        A unit with large exponents from strengths that are small next to the layer's largest is none: its slope to a
        high power overflows, while its strengths to that power underflow.
        """
        log_slope, log_part = _logs(self.tau, fit.reach), _logs(bound, fit.reach)
        room = math.log(torch.finfo(bound.dtype).max) - 20
        okay = bound <= fit.reach
        for exponent, growing, falling in fit.terms:
            constant = math.log(max(growing, abs(falling)))
            left_out = log_part * exponent < _NEGLIGIBLE - constant
            okay &= left_out | (log_slope * exponent < room - constant)
        return okay

    def share(self, mass: Tensor, bound: Tensor, fit: Fit) -> tuple[tuple[Tensor, ...], Tensor]:
        """Give every input its part of these units' mass; return that, and which units were shared exactly enough."""
        log_slope, log_part = _logs(self.tau, fit.reach), _logs(bound, fit.reach)
        idle = mass == 0  # among them the units that are written out, whose powers may overflow
        sides = _Sides(self.mixing, self.rates, self.inputs, len(fit.terms), self.reading.signed)
        total = self.count.expand(mass.shape).clone()  # the power zero
        cancels = self.reading != Reading(1, 1)
        noise = total.clone() if cancels else total  # the size of what was added up: rounding is a part of it

        def factor_of(exponent: float, growing: float, falling: float) -> Tensor:
            least = _NEGLIGIBLE - math.log(max(growing, abs(falling)))
            left_out = (log_part * exponent < least).logical_or_(idle)
            return (log_slope * exponent).masked_fill_(left_out, -math.inf).exp_()

        keeping = len(fit.terms) * mass.numel() < _KEPT
        factors = []
        for k, (exponent, growing, falling) in enumerate(fit.terms):
            factor = factor_of(exponent, growing, falling)
            if keeping:
                factors.append(factor)
            for (rates, inputs), coefficient in self._pairs(sides, k, exponent, growing, falling, mass):
                part = self.mixing.total(rates, inputs).mul_(factor).mul_(coefficient)
                total.add_(part)
                if cancels:
                    noise.add_(part.abs_())
        done = ~idle
        if cancels:
            # exp(−z) comes out of terms that cancel: where nothing large stays, digits are lost
            off = fit.falling_error * self.count + 2 * torch.finfo(total.dtype).eps * noise
            done &= off < _TOLERANCE * total
        ratio = torch.where(done, mass / total, 0)
        given = tuple(array.contiguous() for array in self.mixing.scatter(ratio))  # it may return a view
        for k, (exponent, growing, falling) in enumerate(fit.terms):
            factor = factors[k] if keeping else factor_of(exponent, growing, falling)
            passed = factor.mul_(ratio)
            for (rates, inputs), coefficient in self._pairs(sides, k, exponent, growing, falling, mass):
                parts = self.mixing.hand_out(rates, inputs, passed * coefficient)
                for array, part in zip(given, parts, strict=True):
                    array.add_(part)
        return given, done

    def _pairs(
        self, sides: _Sides, k: int, exponent: float, growing: float, falling: float, mass: Tensor
    ) -> Iterator[tuple[tuple[Tensor, ...], Tensor | float]]:
        """Return what is spread for one power, each with its coefficient: a number, or one for each unit."""
        same, other = (growing if side > 0 else falling for side in (self.reading.same, self.reading.other))
        if not self.reading.signed:
            yield sides.powers(k, exponent), same
        elif sides.apart:
            # inputs are never negative, so the sign of a strength is its weight's
            up, down = sides.powers_apart(k, exponent)
            positive = mass > 0
            yield up, torch.where(positive, same, other).to(mass.dtype)
            yield down, torch.where(positive, other, same).to(mass.dtype)
        else:
            yield sides.powers(k, exponent), (same + other) / 2
            yield sides.signed_powers(k, exponent), mass.sign() * ((same - other) / 2)


class _Sides:
    """Powers of the rates and of the inputs, kept where they are small, with and without signs."""

    def __init__(self, mixing: Dense, rates: Tensor, inputs: Tensor, terms: int, signed: bool) -> None:
        self._logs = [
            side.log() for side in (rates, inputs)
        ]  # -inf where zero, which exp brings back to zero
        self._kept: list[tuple[Tensor, ...] | None] = [None] * terms
        self._keeping = terms * (rates.numel() + inputs.numel()) < _KEPT
        self.apart = signed and bool((mixing.x >= 0).all())
        if self.apart:  # a product with ones and zeros takes a tenth of the time that `where` does
            self._up, self._down = ((mixing.weight * way > 0).to(rates.dtype) for way in (1, -1))
        elif signed:
            self._signs = [side.sign() for side in (mixing.weight, mixing.x)]

    def powers(self, k: int, exponent: float) -> tuple[Tensor, ...]:
        """Return |W|^a and |x|^a."""
        kept = self._kept[k]
        if kept is None:
            kept = tuple((log * exponent).exp_() for log in self._logs)
            if self._keeping:
                self._kept[k] = kept
        return kept

    def signed_powers(self, k: int, exponent: float) -> tuple[Tensor, ...]:
        """Return the same with the signs of W and x."""
        return tuple(power * sign for power, sign in zip(self.powers(k, exponent), self._signs, strict=True))

    def powers_apart(self, k: int, exponent: float) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        """Return the powers of the positive weights, and of the negative ones, each with those of x."""
        kept = self._kept[k]
        if kept is None:
            rates, inputs = ((log * exponent).exp_() for log in self._logs)
            kept = (rates * self._up, rates.mul_(self._down), inputs)
            if self._keeping:
                self._kept[k] = kept
        up, down, inputs = kept
        return (up, inputs), (down, inputs)


def _logs(array: Tensor, reach: float) -> Tensor:
    return (array / reach).clamp(min=1e-38).log_()
