"""How a unit's mass is shared among its inputs: the choices that the facts leave open.

A rule is a function φ of the strength s = W[q,p]·x[p] of each input p of a unit q; the input's share is φ/Σφ
over the unit's live inputs, so the shares of a unit add up to one. Where every φ of a fan-in is zero the share
is uniform. The rules are this project's own: bias backpropagation itself is Wang, Zhou and Bilmes, "Bias Also
Matters", ICML 2019, whose formulas for the sharing coefficients are not reproduced here.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import torch
from torch import Tensor

from .errors import UnknownRule, listed
from .exponential import fit_for
from .mixing import Dense, Mixing, Tile
from .power_shares import PowerShares, Reading
from .sharing import Rule

__all__ = [
    "Aligned", "Opposed", "Proportional", "Rule", "Softmax", "Softmin", "Tile", "Uniform", "Weights", "Winner",
    "aligned", "as_rule", "names", "opposed", "proportional", "softmax", "softmin", "uniform", "weights", "winner",
]  # fmt: skip


@dataclass(frozen=True)
class Uniform(Rule):
    """Every live input alike: the baseline. φ = 1."""

    name: ClassVar[str] = "uniform"
    says: ClassVar[str] = "every input alike"
    formula: ClassVar[str] = "φ = 1"

    def phi(self, tile: Tile) -> Tensor:
        return torch.ones_like(tile.strength)

    def share_evenly(self, mixing: Mixing, mass: Tensor) -> tuple[Tensor, ...] | None:
        return mixing.evenly(mass)

    def share_dense(self, mixing: Dense, mass: Tensor) -> tuple[Tensor, ...]:
        return mixing.scatter(mass / mixing.count().clamp(min=1))


@dataclass(frozen=True)
class Proportional(Rule):
    """By size of contribution. φ = |s|^power."""

    power: float = 1.0
    name: ClassVar[str] = "proportional"
    says: ClassVar[str] = "by size of contribution"
    formula: ClassVar[str] = "φ = |s|^power"

    def __post_init__(self) -> None:
        _check_positive(self, "power")

    def phi(self, tile: Tile) -> Tensor:
        size = tile.strength.abs_()
        top = size.amax(tile.dim, keepdim=True)
        size.div_(top.masked_fill_(top == 0, 1))
        return size if self.power == 1 else size.pow_(self.power)

    def share_dense(self, mixing: Dense, mass: Tensor) -> tuple[Tensor, ...] | None:
        if self.power == 1:
            rates, inputs = mixing.weight.abs(), mixing.x.abs()
        else:
            # φ is raised to a power: take the scale off first, or it leaves float's range
            rates, inputs, _ = mixing.normalized()
            rates, inputs = rates**self.power, inputs**self.power
        return _share_by_total(
            self,
            mixing,
            mass,
            mixing.total(rates, inputs),
            lambda ratio: mixing.hand_out(rates, inputs, ratio),
        )


@dataclass(frozen=True)
class _Exponential(Rule):
    """φ = exp(±strength/T), for some reading of the strength.

    With ``relative=True`` s is divided by its root mean square over the unit's live inputs, so that one
    temperature means the same in every layer; with ``relative=False`` it is taken as it is, in the units of the
    node's output.
    """

    temperature: float = 1.0
    relative: bool = True
    reading: ClassVar[Reading]

    #: exp of less than this, a thousand times, is a number in single precision.
    _SAFE: ClassVar[float] = 75.0
    #: exp of less than this is nothing beside the largest φ, which is 1, and is written as that little: processors take
    #: some twenty times as long over results too small for a normal number, and so do products with a mass.
    _FAINT: ClassVar[float] = 60.0

    def __post_init__(self) -> None:
        _check_positive(self, "temperature")

    def phi(self, tile: Tile) -> Tensor:
        """Return φ, written over the strengths: a tile stays in the cache, and every pass over it counts."""
        z, dim = tile.strength, tile.dim
        signed = self.reading.signed
        if self.relative:
            count = z.shape[dim] if tile.live is None else tile.live.sum(dim, dtype=z.dtype).clamp(min=1)
            norm = _length(z, dim)
            if bool(((norm < 1e-15) | (norm > 1e15)).any()):  # squares may have left float's range
                slope = _inverse_rms(z, dim, count) / self.temperature
            else:
                slope = (count**0.5 / self.temperature) / norm
            largest = z.shape[dim] ** 0.5 / self.temperature
        else:
            slope = torch.full_like(tile.mass, 1 / self.temperature)
            largest = math.inf
        slope = slope.expand(tile.mass.shape) * self.reading.same
        if signed:
            slope = slope * tile.mass.sign()
        else:
            z = z.abs_()
        z.mul_(slope.unsqueeze(dim))
        if largest > self._SAFE:
            top = z if tile.live is None else torch.where(tile.live, z, -math.inf)
            highest = top.amax(dim, keepdim=True)
            z.sub_(torch.where(highest.isfinite(), highest, 0)).clamp_(-self._FAINT, 0)
        return z.exp_()

    def _of_live(self, phi: Tensor, live: Tensor) -> Tensor:
        return phi.mul_(live.to(phi.dtype))  # φ is a number everywhere, and this takes a tenth of the time

    def share_dense(self, mixing: Dense, mass: Tensor) -> tuple[Tensor, ...] | None:
        """Share by the sum of powers of ``exponential.py``: exp(τ|w||x|) without an exponential.

        A few units have exponents far beyond those of the others, or strengths so small next to the layer's largest
        that their powers would underflow. Their fan-ins are written out. ``None`` where they are not few, or where
        writing everything out is cheaper: few places share the weights of a large matrix, or a fan-in is short.
        """
        count = mixing.count().clamp(min=1)
        strengths = mass.numel() * float(count.max())
        if self._short(mixing, strengths, float(count.max())):
            return None
        rates, inputs, scale = mixing.normalized()
        # z = τ · rates · inputs, with one τ for each unit
        if self.relative:
            mean_square = mixing.total(rates * rates, inputs * inputs) / count
            tau = torch.where(mean_square > 0, mean_square.clamp(min=1e-38).rsqrt() / self.temperature, 0)
        else:
            tau = (scale / self.temperature).expand(mass.shape)
        units = PowerShares(mixing, rates, inputs, tau, count, self.reading)
        bound = units.largest_exponent()
        if self.relative:  # no input is larger than √n times the root mean square of n
            bound = torch.minimum(bound, count.sqrt() / self.temperature)
        fit = fit_for(bound, both_ways=self.reading != Reading(1, 1))
        quick = units.in_range(bound, fit)
        left = int((~quick & (mass != 0)).sum())
        if left > _FEW * mass.numel() or self._dear(mixing, mass, strengths, len(fit.terms)):
            return None
        given, done = units.share(mass * quick, bound, fit)
        rest = ~(quick & done) & (mass != 0)
        left = int(rest.sum())
        if left > _FEW * mass.numel():
            return None
        if left:
            for tile in mixing.tiles_of(rest, mass, given):
                self.share_tile(tile)
        return given

    def _short(self, mixing: Dense, strengths: float, fan_in: float) -> bool:
        """Return whether writing the fan-ins out surely costs less than powers of everything would.

        It does where few places share the weights of a large matrix, or a fan-in is short.
        """
        return strengths < 6 * (mixing.weight.numel() + mixing.x.numel()) or fan_in <= mixing.brief

    def _dear(self, mixing: Dense, mass: Tensor, strengths: float, terms: int) -> bool:
        """Return whether so many terms cost more than writing the fan-ins out, in nanoseconds of two cores."""
        pairs = terms * (2 if self.reading.signed else 1)
        sides = mixing.weight.numel() + mixing.x.numel()
        once = mixing.renewal * sides * (1.8 if self.reading.signed else 1)
        return 1.2 * strengths < terms * once + pairs * (3.0 * mass.numel() + mixing.effort * strengths)


@dataclass(frozen=True)
class Softmax(_Exponential):
    """By size of contribution, sharper as the temperature falls. φ = exp(|s|/T)."""

    name: ClassVar[str] = "softmax"
    says: ClassVar[str] = "by size of contribution, sharper as T falls"
    formula: ClassVar[str] = "φ = exp(|s|/T)"
    reading: ClassVar[Reading] = Reading(same=1, other=1)


@dataclass(frozen=True)
class Softmin(_Exponential):
    """To the inputs that the gradient part uses least. φ = exp(−|s|/T)."""

    name: ClassVar[str] = "softmin"
    says: ClassVar[str] = "to the inputs that the gradient part uses least"
    formula: ClassVar[str] = "φ = exp(−|s|/T)"
    reading: ClassVar[Reading] = Reading(same=-1, other=-1)


@dataclass(frozen=True)
class Aligned(_Exponential):
    """To the inputs that push the way the bias pushes. φ = exp(σs/T), σ the sign of the unit's mass."""

    name: ClassVar[str] = "aligned"
    says: ClassVar[str] = "to the inputs that push the way the bias pushes"
    formula: ClassVar[str] = "φ = exp(σs/T), σ the sign of the mass"
    reading: ClassVar[Reading] = Reading(same=1, other=-1)


@dataclass(frozen=True)
class Opposed(_Exponential):
    """To the inputs that the bias works against. φ = exp(−σs/T), σ the sign of the unit's mass."""

    name: ClassVar[str] = "opposed"
    says: ClassVar[str] = "to the inputs that the bias works against"
    formula: ClassVar[str] = "φ = exp(−σs/T), σ the sign of the mass"
    reading: ClassVar[Reading] = Reading(same=-1, other=1)


@dataclass(frozen=True)
class Winner(Rule):
    """All to the largest contribution, ties split: what softmax tends to as T falls. φ = 1 at the largest |s|."""

    name: ClassVar[str] = "winner"
    says: ClassVar[str] = "all to the largest contribution"
    formula: ClassVar[str] = "φ = 1 at the largest |s|, else 0"

    def phi(self, tile: Tile) -> Tensor:
        size = tile.strength.abs_()
        return torch.eq(size, size.amax(tile.dim, keepdim=True), out=size)


@dataclass(frozen=True)
class Weights(Rule):
    """By wiring alone, whatever the input. φ = |W|^power."""

    power: float = 1.0
    name: ClassVar[str] = "weights"
    says: ClassVar[str] = "by wiring alone, whatever the input"
    formula: ClassVar[str] = "φ = |W|^power"

    def __post_init__(self) -> None:
        _check_positive(self, "power")

    def share_evenly(self, mixing: Mixing, mass: Tensor) -> tuple[Tensor, ...] | None:
        return mixing.evenly(mass) if mixing.alike else None

    def share_dense(self, mixing: Dense, mass: Tensor) -> tuple[Tensor, ...] | None:
        rates, factors, total = mixing.total_weight(self.power)
        return _share_by_total(
            self, mixing, mass, total, lambda ratio: mixing.hand_out_weight(rates, factors, ratio)
        )

    def phi(self, tile: Tile) -> Tensor:
        rates = tile.weight.abs().expand(tile.strength.shape)
        live = rates if tile.live is None else rates * tile.live
        top = live.amax(tile.dim, keepdim=True)
        return torch.where(top > 0, rates / top, 0) ** self.power


def _share_by_total(
    rule: Proportional | Weights,
    mixing: Dense,
    mass: Tensor,
    total: Tensor,
    hand_out: Callable[[Tensor], tuple[Tensor, ...]],
) -> tuple[Tensor, ...] | None:
    """Share each unit's mass in the parts that its φ are of their ``total``; ``None`` where most have none to speak of.

    Units without any φ share evenly. Where φ are so small that a power of them may have been lost, or that one over
    their sum is no number, the fan-ins are written out.
    """
    plain = total > _FAINT
    if bool(plain.all()):
        return hand_out(mass / total)
    idle = mass == 0
    given = hand_out(torch.where(plain & ~idle, mass / total, 0))
    silent = ~plain & ~idle
    if rule.power == 1:
        faint = silent & (total > 0)
        even = mixing.scatter(torch.where(silent & ~faint, mass, 0) / mixing.count().clamp(min=1))
        given = tuple(a + b for a, b in zip(given, even, strict=True))
        silent = faint
    left = int(silent.expand(mass.shape).sum())
    if left > _FEW * mass.numel():
        return None
    if left:
        for tile in mixing.tiles_of(silent.expand(mass.shape), mass, given):
            rule.share_tile(tile)
    return given


#: The part of a node's units whose fan-ins are written out by themselves; where it is more, all of them are.
_FEW = 0.3
#: A sum of φ below this, next to which a mass may leave float's range.
_FAINT = 1e-30


def _length(z: Tensor, dim: int) -> Tensor:
    """Return the root of the sum of squares along an axis."""
    if z.stride(dim) == 1:
        return torch.linalg.vector_norm(z, dim=dim)
    return (z * z).sum(dim).sqrt_()  # along an outer axis the norm's own kernel takes forty times as long


def _inverse_rms(strength: Tensor, dim: int, count: Tensor | int) -> Tensor:
    """Return one over the root mean square of ``count`` strengths, tiny or huge as they may be; 0 for all zero."""
    top = strength.abs().amax(dim)
    there = top >= torch.finfo(top.dtype).tiny  # one over less is no number
    scaled = strength / torch.where(there, top, 1).unsqueeze(dim)
    mean_square = (scaled * scaled).sum(dim) / count
    return torch.where(there, mean_square.clamp(min=1e-38).rsqrt() / top, 0)


def _check_positive(rule: Rule, parameter: str) -> None:
    value = getattr(rule, parameter)
    if not isinstance(value, (int, float)) or not 0 < value < float("inf"):
        raise UnknownRule(f'rule "{rule.name}" wants a positive finite {parameter}, got {value!r}.')


_KINDS: tuple[type[Rule], ...] = (Uniform, Proportional, Softmax, Softmin, Aligned, Opposed, Winner, Weights)
_RULES: dict[str, type[Rule]] = {rule.name: rule for rule in _KINDS}


def names() -> tuple[str, ...]:
    """Return the names of the rules."""
    return tuple(_RULES)


def as_rule(rule: str | Rule, **parameters: Any) -> Rule:
    """Return the rule that a name or a rule means, with these parameters.

    Raises: ``UnknownRule`` naming what there is.
    """
    if isinstance(rule, Rule):
        if parameters:
            raise UnknownRule(f"{rule} has its parameters already; got {listed(parameters)} beside it.")
        return rule
    kind = _RULES.get(rule) if isinstance(rule, str) else None
    if kind is None:
        raise UnknownRule(
            f"no rule {rule!r}.\n  There is: {listed(_RULES)}. A rule of your own is a subclass of bbp.rules.Rule."
        )
    known = [f.name for f in fields(kind)]
    for parameter in parameters:
        if parameter not in known:
            has = f"It has: {listed(known)}." if known else "It has none."
            raise UnknownRule(f'rule "{rule}" has no parameter "{parameter}".\n  {has}')
    return kind(**parameters)


def uniform() -> Rule:
    """Share alike among all live inputs of a unit."""
    return Uniform()


def proportional(power: float = 1.0) -> Rule:
    """Share by |s|^power: by size of contribution."""
    return Proportional(power)


def softmax(temperature: float = 1.0, relative: bool = True) -> Rule:
    """Share by exp(|s|/T): by size of contribution, sharper as the temperature falls."""
    return Softmax(temperature, relative)


def softmin(temperature: float = 1.0, relative: bool = True) -> Rule:
    """Share by exp(−|s|/T): to the inputs that the gradient part uses least."""
    return Softmin(temperature, relative)


def aligned(temperature: float = 1.0, relative: bool = True) -> Rule:
    """Share by exp(σs/T): to the inputs that push the way the bias pushes."""
    return Aligned(temperature, relative)


def opposed(temperature: float = 1.0, relative: bool = True) -> Rule:
    """Share by exp(−σs/T): to the inputs that the bias works against."""
    return Opposed(temperature, relative)


def winner() -> Rule:
    """Share all with the largest contribution, ties split."""
    return Winner()


def weights(power: float = 1.0) -> Rule:
    """Share by |W|^power: by wiring alone, whatever the input."""
    return Weights(power)
