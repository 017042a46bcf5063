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
        eighth = [(side * side).square_().square_() for side in (self.rates, self.inputs)]
        power_sum = self.mixing.total(*eighth)
        faint = power_sum <= 1e-28  # below it, the powers may have underflowed
        norm = power_sum.sqrt_().sqrt_().sqrt_().mul_(self.tau)
        if bool(faint.any()):
            norm = torch.where(faint, coarse, norm)
        return torch.minimum(norm, coarse, out=norm)

    def in_range(self, bound: Tensor, fit: Fit) -> Tensor:
        """Return the units that the sum reaches and whose terms are ordinary numbers, on the way there and back.

        A unit with large exponents from strengths that are small next to the layer's largest is none: its slope to a
        high power overflows, while its strengths to that power underflow.
        """
        log_slope, log_part = _logs(self.tau, fit.reach), _logs(bound, fit.reach)
        room = _room(bound)
        okay = bound <= fit.reach
        if _gentle(log_slope, fit):
            return okay
        for exponent, growing, falling in fit.terms:
            constant = math.log(max(growing, abs(falling)))
            left_out = log_part * exponent < _NEGLIGIBLE - constant
            okay &= left_out | (log_slope * exponent < room - constant)
        return okay

    def share(self, mass: Tensor, bound: Tensor, fit: Fit) -> tuple[tuple[Tensor, ...], Tensor]:
        """Give every input its part of these units' mass; return that, and which units were shared exactly enough."""
        log_slope = _logs(self.tau, fit.reach).expand(mass.shape)
        # among the units without mass are those that are written out, whose powers may overflow
        log_slope = log_slope.masked_fill(mass == 0, -math.inf)
        steep = not _gentle(log_slope, fit)
        log_part = _logs(bound, fit.reach) if steep else bound
        sides = _Sides(self.mixing, self.rates, self.inputs, len(fit.terms), self.reading.signed)
        total = self.count.expand(mass.shape).clone()  # the power zero
        cancels = self.reading != Reading(1, 1)
        noise = total.clone() if cancels else total  # the size of what was added up: rounding is a part of it
        up = (mass > 0).to(mass.dtype) if self.reading.signed else mass

        def factor_of(exponent: float, growing: float, falling: float) -> Tensor:
            log_factor = log_slope * exponent
            if steep:
                least = _NEGLIGIBLE - math.log(max(growing, abs(falling)))
                log_factor.masked_fill_(log_part * exponent < least, -math.inf)
            return log_factor.exp_()

        keeping = len(fit.terms) * mass.numel() < _KEPT
        factors = []
        for k, (exponent, growing, falling) in enumerate(fit.terms):
            factor = factor_of(exponent, growing, falling)
            if keeping:
                factors.append(factor)
            for (rates, inputs), coefficient in self._pairs(sides, k, exponent, growing, falling, up):
                part = self.mixing.total(rates, inputs)
                if not isinstance(coefficient, Tensor):
                    total.addcmul_(part, factor, value=coefficient)
                    if cancels:
                        noise.addcmul_(part, factor, value=abs(coefficient))
                else:
                    part.mul_(factor).mul_(coefficient)
                    total.add_(part)
                    noise.add_(part.abs_())
        if cancels:
            # exp(−z) comes out of terms that cancel: where nothing large stays, digits are lost
            off = noise.mul_(2 * torch.finfo(total.dtype).eps).add_(self.count, alpha=fit.falling_error)
            done = off < _TOLERANCE * total
            ratio = torch.where(done, mass / total, 0)
        else:
            done, ratio = torch.ones((), dtype=torch.bool, device=mass.device), mass / total
        given = tuple(array.contiguous() for array in self.mixing.scatter(ratio))  # it may return a view
        for k, (exponent, growing, falling) in enumerate(fit.terms):
            passed = (factors[k] if keeping else factor_of(exponent, growing, falling)).mul_(ratio)
            for (rates, inputs), coefficient in self._pairs(sides, k, exponent, growing, falling, up):
                if not isinstance(coefficient, Tensor):
                    self.mixing.add_to(given, rates, inputs, passed, coefficient)
                else:
                    self.mixing.add_to(given, rates, inputs, passed * coefficient)
        return given, done

    def _pairs(
        self, sides: _Sides, k: int, exponent: float, growing: float, falling: float, up: Tensor
    ) -> Iterator[tuple[tuple[Tensor, ...], Tensor | float]]:
        """Return what is spread for one power, each with its coefficient: a number, or one for each unit.

        ``up`` is 1 for units of positive mass, else 0.
        """
        same, other = (growing if side > 0 else falling for side in (self.reading.same, self.reading.other))
        if not self.reading.signed:
            yield sides.powers(k, exponent), same
        elif sides.apart:
            # inputs are never negative, so the sign of a strength is its weight's
            positive, negative = sides.powers_apart(k, exponent)
            yield positive, (up * (same - other)).add_(other)
            yield negative, (up * (other - same)).add_(same)
        else:
            yield sides.powers(k, exponent), (same + other) / 2
            yield sides.signed_powers(k, exponent), (up * (same - other)).sub_((same - other) / 2)


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


def _room(array: Tensor) -> float:
    """Return the logarithm of the largest number that may be multiplied with others of its kind."""
    return math.log(torch.finfo(array.dtype).max) - 20


def _gentle(log_slope: Tensor, fit: Fit) -> bool:
    """Return whether no term of any unit can leave float's range."""
    steepest, room = float(log_slope.amax()), _room(log_slope)
    return all(steepest * e < room - math.log(max(g, abs(f))) for e, g, f in fit.terms)


def _logs(array: Tensor, reach: float) -> Tensor:
    return (array / reach).clamp(min=1e-38).log_()
