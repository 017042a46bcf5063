"""Every op, from one row of a table: the value is torch's, the pullback autograd's, value − J·x the intercept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import bbp_widgets as bbp
from bbp_widgets.engine import supported_ops

#: Double precision, so only rounding is left.
EXACT = 1e-11
#: Single precision, relative to the largest term: rounding of a few ops.
SINGLE = 1e-4

PICTURE, LINE, VOLUME, ROW = (2, 4, 7, 6), (2, 4, 11), (2, 3, 5, 6, 4), (2, 9)


@pytest.fixture(autouse=True)
def _in_double_precision() -> Iterator[None]:
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.double)
    yield
    torch.set_default_dtype(before)


def _random(seed: int, *shape: int) -> Tensor:
    numbers = torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.double)
    return numbers.to(torch.get_default_dtype())


def _parameter(*shape: int) -> Tensor:
    return _random(sum(shape), *shape)


def _norm(x: Tensor, weight: bool = True) -> Tensor:
    channels = x.shape[1]
    mean, var = _parameter(channels), _parameter(channels).abs() + 0.5
    scale = _parameter(channels + 1)[:channels] if weight else None
    return F.batch_norm(x, mean, var, scale, _parameter(channels) if weight else None)


ROWS: list[tuple[str, tuple[int, ...], Callable[[Tensor], Tensor]]] = [
    ("relu", PICTURE, F.relu),
    ("relu_in_place", PICTURE, lambda x: (x * 1).relu_()),
    ("leaky_relu", PICTURE, lambda x: F.leaky_relu(x, 0.2)),
    ("prelu", PICTURE, lambda x: F.prelu(x, _parameter(4))),
    ("rrelu", PICTURE, lambda x: F.rrelu(x, 0.1, 0.3)),
    ("relu6", PICTURE, lambda x: F.relu6(x * 5)),
    ("hardtanh", PICTURE, lambda x: F.hardtanh(x, -0.4, 0.9)),
    ("clamp", PICTURE, lambda x: x.clamp(-0.4, 0.9)),
    ("clamp_min", PICTURE, lambda x: x.clamp_min(0.2)),
    ("clamp_max", PICTURE, lambda x: x.clamp_max(0.2)),
    ("threshold", PICTURE, lambda x: F.threshold(x, 0.1, 7.0)),
    ("abs", PICTURE, torch.abs),
    ("hardshrink", PICTURE, F.hardshrink),
    ("softshrink", PICTURE, F.softshrink),
    ("batch_norm", PICTURE, _norm),
    ("batch_norm_1d", ROW, _norm),
    ("batch_norm_plain", LINE, lambda x: _norm(x, weight=False)),
    ("linear", ROW, lambda x: F.linear(x, _parameter(5, 9), _parameter(5))),
    ("linear_without_bias", ROW, lambda x: F.linear(x, _parameter(5, 9))),
    ("linear_on_rows", LINE, lambda x: F.linear(x, _parameter(5, 11), _parameter(5))),
    ("addmm", ROW, lambda x: torch.addmm(_parameter(3), x, _parameter(9, 3), beta=0.5, alpha=2.0)),
    ("conv1d", LINE, lambda x: F.conv1d(x, _parameter(6, 4, 3), _parameter(6), stride=2, padding=1)),
    ("conv2d", PICTURE, lambda x: F.conv2d(x, _parameter(6, 4, 3, 2), _parameter(6), padding=(1, 2))),
    ("conv2d_grouped", PICTURE, lambda x: F.conv2d(x, _parameter(6, 2, 3, 3), groups=2, stride=(2, 1))),
    ("conv2d_dilated", PICTURE, lambda x: F.conv2d(x, _parameter(3, 4, 2, 3), dilation=(3, 2), padding=2)),
    ("conv2d_depthwise", PICTURE, lambda x: F.conv2d(x, _parameter(4, 1, 3, 3), padding="same", groups=4)),
    ("conv3d", VOLUME, lambda x: F.conv3d(x, _parameter(2, 3, 2, 3, 2), _parameter(2), padding=1)),
    ("conv_beside_the_input", PICTURE, lambda x: F.conv2d(x, _parameter(2, 4, 1, 1), _parameter(2), padding=2)),
    ("max_pool1d", LINE, lambda x: F.max_pool1d(x, 3, 2, 1)),
    ("max_pool2d", PICTURE, lambda x: F.max_pool2d(x, 3, 2, 1, ceil_mode=True)),
    ("max_pool3d", VOLUME, lambda x: F.max_pool3d(x, 2)),
    ("adaptive_max_pool2d", PICTURE, lambda x: F.adaptive_max_pool2d(x, (3, 4))),
    ("amax", PICTURE, lambda x: x.amax((2, 3))),
    ("max_dim", PICTURE, lambda x: x.max(2).values),
    ("max_dim_kept", PICTURE, lambda x: x.max(1, keepdim=True)[0]),
    ("avg_pool1d", LINE, lambda x: F.avg_pool1d(x, 3, 2, 1)),
    ("avg_pool2d", PICTURE, lambda x: F.avg_pool2d(x, 3, 2, 1)),
    ("avg_pool2d_ceil", PICTURE, lambda x: F.avg_pool2d(x, 4, 3, 2, ceil_mode=True)),
    ("avg_pool2d_real", PICTURE, lambda x: F.avg_pool2d(x, 3, 2, 1, count_include_pad=False)),
    ("avg_pool2d_divided", PICTURE, lambda x: F.avg_pool2d(x, 2, divisor_override=3)),
    ("avg_pool3d", VOLUME, lambda x: F.avg_pool3d(x, 2, 1, 1)),
    ("adaptive_avg_pool1d", LINE, lambda x: F.adaptive_avg_pool1d(x, 4)),
    ("adaptive_avg_pool2d", PICTURE, lambda x: F.adaptive_avg_pool2d(x, (3, 4))),
    ("adaptive_avg_pool3d", VOLUME, lambda x: F.adaptive_avg_pool3d(x, (2, 4, 3))),
    ("mean", PICTURE, lambda x: x.mean((2, 3))),
    ("mean_of_channels", PICTURE, lambda x: x.mean(1, keepdim=True)),
    ("sum", PICTURE, lambda x: x.sum((1, 3))),
    ("sum_of_all", (1, 9), lambda x: x.sum().reshape(1, 1)),
    ("mean_of_all", (1, 9), lambda x: x.mean().reshape(1, 1)),
    ("add", PICTURE, lambda x: x.relu() + 3 * x),
    ("add_alpha", PICTURE, lambda x: torch.add(x.relu(), x, alpha=-0.7)),
    ("add_broadcast", PICTURE, lambda x: x + x.mean((2, 3), keepdim=True)),
    ("add_constant", PICTURE, lambda x: x + _parameter(7, 6)),
    ("add_number", PICTURE, lambda x: 1.5 + x),
    ("sub", PICTURE, lambda x: x.relu() - x),
    ("sub_from_number", PICTURE, lambda x: 2 - x),
    ("in_place_sum", PICTURE, lambda x: x.clone().add_(x.relu())),
    ("mul_constant", PICTURE, lambda x: x * _parameter(4, 1, 1)),
    ("div_constant", PICTURE, lambda x: x / _parameter(6)),
    ("neg", PICTURE, torch.neg),
    ("cat", PICTURE, lambda x: torch.cat([x, x.relu(), torch.ones(2, 1, 7, 6, dtype=x.dtype)], 1)),
    ("stack", ROW, lambda x: torch.stack([x, x.relu(), torch.ones_like(x)], 1)),
    ("split", PICTURE, lambda x: x.split([1, 3], 1)[1] + x.chunk(4, 1)[0]),
    ("unbind", PICTURE, lambda x: x.unbind(1)[2]),
    ("slice", PICTURE, lambda x: x[:, 1:, ::2, -4:-1]),
    ("select", PICTURE, lambda x: x[:, :, 3]),
    ("flip", PICTURE, lambda x: x.flip(2, 3)),
    ("permute", PICTURE, lambda x: x.permute(0, 2, 3, 1)),
    ("t", (1, 9), lambda x: x.t().relu().reshape(1, 9)),
    ("transpose", PICTURE, lambda x: x.transpose(1, 3)),
    ("reshape", PICTURE, lambda x: x.transpose(1, 2).reshape(2, -1)),
    ("squeeze", PICTURE, lambda x: x.unsqueeze(2).squeeze(2)),
    ("expand", PICTURE, lambda x: x[:, :1].expand(2, 5, 7, 6)),
    ("pad", PICTURE, lambda x: F.pad(x, (1, 2, 0, 3))),
    ("pad_value", PICTURE, lambda x: F.pad(x, (1, 2, 0, 3, 1, 1), value=2.5)),
    ("crop", PICTURE, lambda x: F.pad(x, (-1, -2, 0, 1))),
    ("dropout", PICTURE, lambda x: F.dropout(x, 0.5, training=False)),
    ("written_slice", PICTURE, lambda x: _written(x)),
    ("written_entry", PICTURE, lambda x: _written_entry(x)),
    ("written_by_constant", PICTURE, lambda x: _written_by_constant(x)),
    ("filled", PICTURE, lambda x: torch.zeros_like(x).copy_(x * 2)),
    ("to_type", PICTURE, lambda x: x.to(torch.float64)),
    ("written_all", PICTURE, lambda x: x + (x * 2).copy_(_parameter(7, 6))),
    ("zeroed", PICTURE, lambda x: x + (x * 2).zero_()),
    ("clamp_by_tensors", PICTURE, lambda x: x.clamp(-_parameter(6).abs(), _parameter(7, 1).abs())),
    ("clamp_min_by_tensor", PICTURE, lambda x: torch.clamp_min(x, _parameter(6))),
    ("clamp_max_by_tensor", PICTURE, lambda x: torch.clamp_max(x, _parameter(6))),
    ("nan_to_num", PICTURE, torch.nan_to_num),
    ("remainder", ROW, lambda x: x % 0.7 + x.remainder(_parameter(9))),
    ("fmod", ROW, lambda x: x.fmod(0.7) + x.fmod(_parameter(9)) + x.frac()),
    ("steps", ROW, lambda x: x * x.sgn() + x.div(0.3, rounding_mode="trunc")),
    ("softsign", PICTURE, F.softsign),
    ("tanhshrink", PICTURE, F.tanhshrink),
    ("sigmoid", PICTURE, torch.sigmoid),
    ("hardsigmoid", PICTURE, lambda x: F.hardsigmoid(3 * x)),
    ("tanh", PICTURE, torch.tanh),
    ("silu", PICTURE, F.silu),
    ("gelu", PICTURE, F.gelu),
    ("gelu_by_tanh", PICTURE, lambda x: F.gelu(x, approximate="tanh")),
    ("mish", PICTURE, F.mish),
    ("hardswish", PICTURE, lambda x: F.hardswish(3 * x)),
    ("elu", PICTURE, lambda x: F.elu(x, 0.7)),
    ("selu", PICTURE, F.selu),
    ("celu", PICTURE, lambda x: F.celu(x, 0.5)),
    ("softplus", PICTURE, lambda x: F.softplus(x, 2.0, 1.0)),
    ("logsigmoid", PICTURE, F.logsigmoid),
    ("glu", PICTURE, lambda x: F.glu(x, 1)),
    ("glu_of_pixels", PICTURE, F.glu),
    ("swiglu", PICTURE, lambda x: F.silu(x[:, :2]) * x[:, 2:]),
    ("exp", PICTURE, torch.exp),
    *((name, ROW, getattr(torch, name)) for name in (
        "atan", "asinh", "cos", "erf", "erfc", "exp2", "expm1", "sin", "sinh", "cosh", "sinc", "square", "tan",
    )),
    *((name, ROW, lambda x, name=name: getattr(torch, name)(x.abs() + 0.1)) for name in (
        "log", "log10", "log1p", "log2", "sqrt", "rsqrt", "reciprocal",
    )),
    *((name, ROW, lambda x, name=name: getattr(torch, name)(0.9 * x.sigmoid())) for name in (
        "acos", "asin", "atanh", "logit",
    )),
    ("acosh", ROW, lambda x: torch.acosh(x.abs() + 1.1)),
    ("sqrt_of_zero", ROW, lambda x: x.relu().sqrt() + (x.relu() ** 0.5)),
    ("log_of_zero", ROW, lambda x: x.relu().log().exp()),
    ("power", ROW, lambda x: x**3 + x.abs() ** 1.5),
    ("power_below_zero", ROW, lambda x: (x.abs() + 1) ** -0.5),
    ("power_of_number", ROW, lambda x: 2.0**x),
    ("power_of_each", ROW, lambda x: x.abs() ** _parameter(9).abs()),
    ("power_of_live", ROW, lambda x: (x.abs() + 1) ** x.sin()),
    ("of_two", ROW, lambda x: torch.atan2(x, x.exp()) + torch.hypot(x, x + 1) + torch.logaddexp(x, -x)),
    ("of_two_more", ROW, lambda x: torch.logaddexp2(x, x.sin()) + torch.xlogy(x, x.exp() + 1)),
    ("of_one_and_a_constant", ROW, lambda x: torch.atan2(x, _parameter(2, 9)) + torch.logaddexp(_parameter(9), x)),
    ("mul", PICTURE, lambda x: x.tanh() * x),
    ("mul_by_itself", PICTURE, lambda x: x * x),
    ("mul_broadcast", PICTURE, lambda x: x.mean((2, 3), keepdim=True).sigmoid() * x),
    ("mul_outer", ROW, lambda x: x[:, :, None] * x[:, None].relu()),
    ("div", PICTURE, lambda x: x / (x.abs() + 1)),
    ("div_by_itself", PICTURE, lambda x: x / x),
    ("div_of_constant", PICTURE, lambda x: _parameter(7, 6) / (x.exp() + 1)),
    ("rsub_of_tensor", PICTURE, lambda x: torch.rsub(x, x.relu(), alpha=0.5) + torch.rsub(x, _parameter(6))),
    ("addcmul", ROW, lambda x: torch.addcmul(x, x.sin(), x.relu(), value=0.7)),
    ("addcmul_partly", ROW, lambda x: (
        torch.addcmul(_parameter(9), x, x.sigmoid()) + torch.addcmul(x, _parameter(9), x))),
    ("addcdiv", ROW, lambda x: torch.addcdiv(x, x.sin(), x.exp(), value=0.7)),
    ("addcdiv_partly", ROW, lambda x: torch.addcdiv(x, _parameter(9), x.exp()) + torch.addcdiv(x, x, _parameter(9))),
    ("lerp", PICTURE, lambda x: torch.lerp(x, x.relu(), 0.3) + torch.lerp(_parameter(6), x, 1.3)),
    ("lerp_each", PICTURE, lambda x: torch.lerp(x, x.relu(), _parameter(6)) + torch.lerp(x, x.sin(), x.sigmoid())),
    ("add_minus_infinity", ROW, lambda x: (x + _parameter(9).where(_parameter(9) > 0, -torch.inf)).softmax(1)),
    ("add_partly_minus_infinity", ROW, lambda x: (
        x + x.sin().masked_fill(_parameter(9) > 0.5, -torch.inf)).softmax(1)),
    ("layer_norm", LINE, lambda x: F.layer_norm(x, (11,), _parameter(11), _parameter(11))),
    ("layer_norm_of_two_axes", PICTURE, lambda x: F.layer_norm(x, (7, 6), _parameter(7, 6), None)),
    ("layer_norm_plain", ROW, lambda x: F.layer_norm(x, (9,), eps=0.1)),
    ("layer_norm_of_channels", PICTURE, lambda x: F.layer_norm(
        x.permute(0, 2, 3, 1), (4,), _parameter(4), _parameter(4))),
    ("group_norm", PICTURE, lambda x: F.group_norm(x, 2, _parameter(4), _parameter(4))),
    ("group_norm_plain", LINE, lambda x: F.group_norm(x, 1, eps=0.1)),
    ("instance_norm", PICTURE, lambda x: F.instance_norm(x, weight=_parameter(4), bias=_parameter(4))),
    ("instance_norm_1d", LINE, F.instance_norm),
    ("batch_norm_of_one", (1, 4, 7, 6), lambda x: F.batch_norm(
        x, None, None, _parameter(4), _parameter(4), training=True)),
    ("rms_norm", LINE, lambda x: F.rms_norm(x, (11,), _parameter(11))),
    ("rms_norm_plain", ROW, lambda x: F.rms_norm(x, (9,), eps=0.1)),
    ("local_response_norm", PICTURE, lambda x: F.local_response_norm(x, 3)),
    ("normalize", ROW, F.normalize),
    ("cosine_similarity", PICTURE, lambda x: F.cosine_similarity(x, x.relu() + 1, dim=1)),
    ("pairwise_distance", LINE, lambda x: F.pairwise_distance(x, x.relu())),
    ("softmax", PICTURE, lambda x: (3 * x).softmax(1)),
    ("softmin", ROW, lambda x: F.softmin(x, 1)),
    ("log_softmax", PICTURE, lambda x: x.log_softmax(-1)),
    ("softmax_masked", ROW, lambda x: x.masked_fill(_parameter(9) > 0.3, -torch.inf).softmax(1)),
    ("softmax_masked_by_much", ROW, lambda x: x.masked_fill(_parameter(9) > 0.3, -1e30).softmax(1)),
    ("softmax_less_much", ROW, lambda x: (x - 1e30 * (_parameter(9) > 0.3)).softmax(1)),
    ("log_softmax_masked", ROW, lambda x: x.masked_fill(_parameter(9) > 0.3, -torch.inf).log_softmax(1).exp()),
    ("softmax_without_classes", LINE, lambda x: torch.cat([_parameter(4, 2).expand(2, 4, 2), x], 2).softmax(2)),
    ("attention", LINE, lambda x: F.scaled_dot_product_attention(x, x.relu(), x)),
    ("attention_masked", LINE, lambda x: F.scaled_dot_product_attention(x, x, x, _parameter(4, 4) > 0)),
    ("attention_grouped", PICTURE, lambda x: F.scaled_dot_product_attention(
        x, x[:, :2], x[:, :2], enable_gqa=True)),
    ("attention_causal", LINE, lambda x: F.scaled_dot_product_attention(x, x, x, is_causal=True)),
    ("maximum", PICTURE, lambda x: torch.maximum(x, x.sin() - 0.1)),
    ("maximum_of_ties", PICTURE, lambda x: torch.maximum(x.relu(), (2 * x).relu())),
    ("maximum_with_constant", PICTURE, lambda x: torch.maximum(_parameter(6), x)),
    ("maximum_tied_to_constant", PICTURE, lambda x: torch.maximum(x.relu(), torch.zeros_like(x))),
    ("minimum", PICTURE, lambda x: torch.minimum(x, x.mean(1, keepdim=True)) + torch.minimum(x, _parameter(6))),
    ("fmax", PICTURE, lambda x: torch.fmax(x, 2 * x) + torch.fmin(x, _parameter(6))),
    ("maximum_of_itself", ROW, lambda x: torch.maximum(x, x)),
    ("where", PICTURE, lambda x: torch.where(_parameter(6) > 0, x, x.relu())),
    ("where_constant", PICTURE, lambda x: torch.where(x > 0, x, -1.0) + torch.where(x > 0, _parameter(7, 6), x)),
    ("masked_fill", PICTURE, lambda x: (
        x.masked_fill(x > 0.5, 2.0) + x.masked_fill(_parameter(6) > 0, x.new_tensor(1.0)))),
    ("max_of_all", (1, 9), lambda x: x.max().reshape(1, 1) + x.min().reshape(1, 1)),
    ("amin", PICTURE, lambda x: x.amin(1)),
    ("amax_of_ties", PICTURE, lambda x: x.relu().amax((2, 3), keepdim=True)),
    ("min_dim", PICTURE, lambda x: x.min(-1).values),
    ("median", PICTURE, lambda x: x.median(1).values + x.mode(1).values),
    ("kth", PICTURE, lambda x: x.kthvalue(2, 1).values),
    ("running_maximum", PICTURE, lambda x: x.cummax(2).values + x.cummin(3).values),
    ("topk", PICTURE, lambda x: x.topk(2, 1).values),
    ("sort", PICTURE, lambda x: x.sort(1).values + x.sort(2, descending=True).values),
    ("sort_stable", PICTURE, lambda x: x.relu().sort(dim=1, stable=True).values),
    ("min_pool", PICTURE, lambda x: -F.max_pool2d(-x, 2)),
    ("adaptive_max_pool1d", LINE, lambda x: F.adaptive_max_pool1d(x, 4)),
    ("adaptive_max_pool3d", VOLUME, lambda x: F.adaptive_max_pool3d(x, 2)),
    ("fractional_max_pool2d", PICTURE, lambda x: F.fractional_max_pool2d(
        x, 2, (3, 4), _random_samples=_parameter(2, 4, 2).sigmoid())),
    ("fractional_max_pool3d", VOLUME, lambda x: F.fractional_max_pool3d(
        x, 2, (3, 4, 2), _random_samples=_parameter(2, 3, 3).sigmoid())),
    ("max_unpool2d", PICTURE, lambda x: F.max_unpool2d(*F.max_pool2d(x, 2, return_indices=True), 2)),
    ("max_unpool3d", VOLUME, lambda x: F.max_unpool3d(*F.max_pool3d(x, 2, return_indices=True), 2)),
    ("lp_pool", PICTURE, lambda x: F.lp_pool2d(x.relu(), 2, 2)),
    ("lp_pool_1d", LINE, lambda x: F.lp_pool1d(x, 2, 3)),
    ("logsumexp", PICTURE, lambda x: x.logsumexp((2, 3)) + x.logsumexp(3).sum(2)),
    ("logsumexp_masked", ROW, lambda x: x.masked_fill(x > 1, -torch.inf).logsumexp(1, keepdim=True)),
    ("product_over", ROW, lambda x: x[:, :4].prod(1, keepdim=True)),
    ("norm_2", PICTURE, lambda x: x.norm(dim=1) + torch.linalg.vector_norm(x.relu(), dim=(1, 3), keepdim=True)[:, 0]),
    ("norm_1", PICTURE, lambda x: x.norm(p=1, dim=(2, 3))),
    ("norm_inf", ROW, lambda x: x.norm(p=torch.inf, dim=1, keepdim=True)),
    ("norm_of_zero", ROW, lambda x: (x - x.abs() - 10 * x.relu()).relu().norm(dim=1, keepdim=True) + x),
    ("distance", (1, 9), lambda x: torch.dist(x, _parameter(9)).reshape(1, 1)),
    ("variance", PICTURE, lambda x: x.var(1) + x.var((1, 2), unbiased=False, keepdim=True)[:, 0]),
    ("deviation", PICTURE, lambda x: x.std(1) + x.relu().std(3, keepdim=True)[:, 0]),
    ("variance_with_mean", PICTURE, lambda x: (
        sum(torch.var_mean(x, (2, 3))) + sum(torch.std_mean(x, 3, keepdim=True))[..., 0, 0])),
    ("cumsum", PICTURE, lambda x: x.cumsum(1) + x.cumsum(-1)),
    ("bilinear", ROW, lambda x: F.bilinear(x[:, :4], x[:, 4:], _parameter(3, 4, 5), _parameter(3))),
    ("bilinear_of_itself", ROW, lambda x: F.bilinear(x, x, _parameter(3, 9, 9))),
    ("bilinear_with_constant", ROW, lambda x: F.bilinear(_parameter(2, 4), x, _parameter(3, 4, 9))),
    ("matrix_vector", ROW, lambda x: torch.mv(x, _parameter(9))[:, None]),
    ("matrix_vector_of_both", (1, 4, 5), lambda x: torch.mv(x[0], x[0, 0])[None]),
    ("matrix_vector_added", (1, 4, 5), lambda x: torch.addmv(
        _parameter(4), x[0], _parameter(5), beta=0.5, alpha=2)[None]),
    ("dot", (1, 9), lambda x: torch.dot(x[0], x[0].relu()).reshape(1, 1)),
    ("dot_with_constant", (1, 9), lambda x: torch.dot(_parameter(9), x[0]).reshape(1, 1)),
    ("products_added", PICTURE, lambda x: torch.baddbmm(_parameter(7, 7), x[:, 0], x[:, 1].mT, alpha=0.5)),
    ("products_masked", LINE, lambda x: torch.baddbmm(
        _parameter(4, 4).where(_parameter(4, 4) > -1, -torch.inf), x, x.mT).softmax(-1)),
    ("roll", PICTURE, lambda x: x.roll((1, -2), (2, 3))),
    ("roll_of_all", (1, 9), lambda x: x.roll(2)),
    ("rot90", PICTURE, lambda x: x.rot90(1, (2, 3))),
    ("pixel_shuffle", PICTURE, lambda x: F.pixel_shuffle(x, 2)),
    ("pixel_unshuffle", PICTURE, lambda x: F.pixel_unshuffle(x[:, :, :6], 2)),
    ("channel_shuffle", PICTURE, lambda x: F.channel_shuffle(x, 2)),
    ("index", PICTURE, lambda x: x[:, [0, 2, 2], [1, 3, 0]]),
    ("index_by_mask", PICTURE, lambda x: x[:, _parameter(4) > 0]),
    ("index_select", PICTURE, lambda x: x.index_select(2, torch.tensor([0, 2, 2]))),
    ("gather", PICTURE, lambda x: x.gather(1, torch.zeros(2, 2, 7, 6, dtype=torch.long))),
    ("take_along", PICTURE, lambda x: x.take_along_dim(x.argsort(1), 1)),
    ("take", (1, 9), lambda x: x.take(torch.tensor([[1, 1, 7]]))),
    ("repeat", PICTURE, lambda x: x.repeat(1, 2, 1, 3)),
    ("tile", ROW, lambda x: x.tile(1, 2)),
    ("repeat_interleave", ROW, lambda x: x.repeat_interleave(2, 1)),
    ("unfold", LINE, lambda x: x.unfold(2, 4, 2)),
    ("patches", PICTURE, lambda x: F.unfold(x, 3, padding=1, stride=2)),
    ("fold", (2, 8, 12), lambda x: F.fold(x, (4, 5), 2, padding=0)),
    ("fold_padded", (2, 8, 9), lambda x: F.fold(x, (4, 5), 2, padding=1, stride=2)),
    ("reflection_pad1d", LINE, lambda x: F.pad(x, (2, 1), mode="reflect")),
    ("reflection_pad2d", PICTURE, lambda x: F.pad(x, (2, 1, 0, 3), mode="reflect")),
    ("reflection_pad3d", VOLUME, lambda x: F.pad(x, (2, 1, 0, 3, 1, 1), mode="reflect")),
    ("replication_pad1d", LINE, lambda x: F.pad(x, (2, 1), mode="replicate")),
    ("replication_pad2d", PICTURE, lambda x: F.pad(x, (2, 1, 0, 3), mode="replicate")),
    ("replication_pad3d", VOLUME, lambda x: F.pad(x, (2, 1, 0, 3, 1, 1), mode="replicate")),
    ("circular_pad", PICTURE, lambda x: F.pad(x, (2, 1, 0, 3), mode="circular")),
    ("nearest1d", LINE, lambda x: F.interpolate(x, 17) + F.interpolate(x, 17, mode="nearest-exact")),
    ("nearest2d", PICTURE, lambda x: F.interpolate(x, scale_factor=2)),
    ("nearest_exact2d", PICTURE, lambda x: F.interpolate(x, (5, 9), mode="nearest-exact")),
    ("nearest3d", VOLUME, lambda x: F.interpolate(x, 7) + F.interpolate(x, 7, mode="nearest-exact")),
    ("linear1d", LINE, lambda x: F.interpolate(x, scale_factor=2, mode="linear")),
    ("bilinear2d", PICTURE, lambda x: F.interpolate(x, (9, 4), mode="bilinear")),
    ("bilinear2d_aligned", PICTURE, lambda x: F.interpolate(x, scale_factor=1.5, mode="bilinear", align_corners=True)),
    ("bilinear2d_smooth", PICTURE, lambda x: F.interpolate(x, (3, 4), mode="bilinear", antialias=True)),
    ("trilinear3d", VOLUME, lambda x: F.interpolate(x, scale_factor=2, mode="trilinear")),
    ("bicubic2d", PICTURE, lambda x: F.interpolate(x, scale_factor=(1.5, 2), mode="bicubic")),
    ("bicubic2d_smooth", PICTURE, lambda x: F.interpolate(x, (3, 4), mode="bicubic", antialias=True)),
    ("area", PICTURE, lambda x: F.interpolate(x, (3, 4), mode="area")),
    ("grid_sample", PICTURE, lambda x: F.grid_sample(x, _parameter(2, 3, 3, 2), align_corners=False)),
    ("grid_sample_to_border", PICTURE, lambda x: F.grid_sample(
        x, _parameter(2, 3, 3, 2), "nearest", "border", align_corners=True)),
    ("grid_sample_3d", VOLUME, lambda x: F.grid_sample(x, _parameter(2, 3, 3, 2, 3), align_corners=False)),
    ("triangle", PICTURE, lambda x: x.tril() + x.triu(1)),
    ("diagonal", PICTURE, lambda x: x.diagonal(1, 2, 3)),
    ("diag_embed", LINE, torch.diag_embed),
    ("as_strided", (1, 9), lambda x: x.as_strided((1, 3), (9, 2), 1)),
    ("written_at_index", PICTURE, lambda x: _assigned(x, (slice(None), [0, 2]), x[:, 1:3])),
    ("written_constant_at_index", PICTURE, lambda x: _assigned(x, (slice(None), slice(None), [0, 2]), 7.0)),
    ("written_by_mask", PICTURE, lambda x: _assigned(x, x > 0.5, 2.0)),
    ("written_into_zeros", PICTURE, lambda x: _assigned(torch.zeros_like(x), (slice(None), [3, 0]), x[:, 1:3])),
    ("diagonal_written", PICTURE, lambda x: torch.diagonal_scatter(x, x[:, :, 0], 0, 2, 3)),
    ("added_at_index", ROW, lambda x: x.index_put(
        (torch.tensor([[0, 0], [1, 1]]), torch.tensor([[3, 3], [1, 2]])), x[:, :2], accumulate=True)),
    ("index_add", ROW, lambda x: x.index_add(1, torch.tensor([0, 0, 4]), x[:, 4:7], alpha=-2)),
    ("index_add_to_zeros", PICTURE, lambda x: torch.zeros_like(x[:, :2]).index_add(1, torch.tensor([0, 0, 1, 0]), x)),
    ("index_copy", ROW, lambda x: x.index_copy(1, torch.tensor([0, 5]), x[:, 3:5])),
    ("index_fill", ROW, lambda x: (
        x.index_fill(1, torch.tensor([0, 5]), 2) + x.index_fill(1, torch.tensor([1]), x.new_tensor(3)))),
    ("scatter", ROW, lambda x: x.scatter(1, torch.tensor([[0, 1], [1, 5]]), x[:, 3:5])),
    ("scatter_constant", ROW, lambda x: x.scatter(1, torch.tensor([[0, 1], [1, 5]]), 3)),
    ("scatter_add", ROW, lambda x: x.scatter_add(1, torch.tensor([[0, 1], [1, 1]]), x[:, 3:5])),
    ("scatter_add_constant", ROW, lambda x: x.scatter_add(1, torch.tensor([[0, 1], [1, 1]]), _parameter(2, 2))),
    ("masked_scatter", ROW, lambda x: x.masked_scatter(_parameter(2, 9) > 0, _parameter(2, 9))),
    ("parts", PICTURE, lambda x: x.unsafe_split(2, 1)[1] + x.unsafe_chunk(2, 1)[0] + x.tensor_split(2, 1)[0]),
    ("unsafe_parts", PICTURE, lambda x: x.unsafe_split_with_sizes([1, 3], 1)[1]),
    ("axes_moved", PICTURE, lambda x: x.movedim(1, 2).swapaxes(2, 3).narrow(1, 1, 2).unflatten(1, (2, 1))),
]  # fmt: skip


def _written(x: Tensor) -> Tensor:
    y = x * 2
    y[:, 1:3].relu_()
    return y


def _written_entry(x: Tensor) -> Tensor:
    y = torch.ones(2, 4, 7, 6, dtype=x.dtype)
    y[:, 2] = x[:, 1] * 3
    return y


def _written_by_constant(x: Tensor) -> Tensor:
    y = x * 2
    y[:, :, 1:4] = 7.0
    return y + x


def _assigned(x: Tensor, where: Any, values: Any) -> Tensor:
    y = x * 2
    y[where] = values
    return y


class _Op(nn.Module):
    """The op under test, and a weighting of its outputs that makes a number of them.

    ``constant`` goes before it: some elements, among them a whole entry of the second axis, do not depend on the input.
    """

    def __init__(self, function: Callable[[Tensor], Tensor], x: Tensor, constant: bool = False) -> None:
        super().__init__()
        self.function, self.constant = function, constant
        self.rates = _parameter(*function(x).shape[1:])
        self.live = torch.rand(x.shape, generator=torch.Generator().manual_seed(2)) < 0.6
        self.live[:, -1] = False
        self.fixed = _parameter(*x.shape)

    def forward(self, x: Tensor) -> Tensor:
        if self.constant:
            x = torch.where(self.live, x, self.fixed)
        return (self.function(x) * self.rates).flatten(1).sum(1)


def _strided(x: Tensor) -> Tensor:
    """Return the same values in another order in memory."""
    if x.dim() == 4:
        return x.contiguous(memory_format=torch.channels_last)
    return x.transpose(-1, -2).contiguous().transpose(-1, -2)


def _check_completeness(local: bbp.LocalModel, rule: str, tolerance: float) -> None:
    result = local.attribute(rule)
    assert torch.isfinite(result.bias).all()
    # the intercept is what the op's value has beyond J·x: each node's own, not just their sum
    for step in result.ledger:
        assert step.residual.abs().max() <= tolerance, step
    assert result.residual.abs().max() <= tolerance
    assert result.unshared.abs().max() == 0
    assert (result.bias.flatten(1).sum(1) - local.b).abs().max() <= tolerance


Row = tuple[str, tuple[int, ...], Callable[[Tensor], Tensor]]
each_op = pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])


@each_op
@pytest.mark.parametrize("constant", [False, True], ids=["whole", "partly"])
def test_an_op_is_linearized(row: Row, constant: bool) -> None:
    name, shape, function = row
    x = _random(1, *shape)
    network = _Op(function, x, constant).eval()
    traced = x.clone().requires_grad_()
    value = network(traced)
    (gradient,) = torch.autograd.grad(value.sum(), traced)

    local = bbp.linearize(network, x)
    if name in REWRITTEN:
        torch.testing.assert_close(local.value, value.detach(), rtol=EXACT, atol=EXACT)
    else:
        assert torch.equal(local.value, value.detach())
    if name not in NOT_AUTOGRADS:
        torch.testing.assert_close(local.w, gradient, rtol=EXACT, atol=EXACT)
    for rule in ("uniform", "proportional", "softmax"):
        _check_completeness(local, rule, EXACT * 100)


@each_op
def test_an_op_is_linearized_in_single_precision_and_another_memory_format(row: Row) -> None:
    torch.set_default_dtype(torch.float32)
    _, shape, function = row
    x = _strided(_random(1, *shape))
    network = _Op(function, x).eval()
    local = bbp.linearize(network, x)
    assert local.w.dtype == torch.float32
    scale = float(max((local.w * x).abs().sum(), local.value.abs().max(), 1))
    _check_completeness(local, "proportional", SINGLE * scale)


@each_op
def test_an_op_with_gates_held_fixed_adds_up(row: Row) -> None:
    _, shape, function = row
    x = _random(1, *shape)
    local = bbp.linearize(_Op(function, x, constant=True).eval(), x, linearization="gated")
    _check_completeness(local, "proportional", EXACT * 100)


@each_op
def test_one_sample_is_explained_whatever_the_other_is(row: Row) -> None:
    _, shape, function = row
    x = _random(1, *shape)
    other = torch.cat([x[:1], _random(3, *shape)[1:]])
    network = _Op(function, x).eval()
    for rule in ("uniform", "proportional"):
        a, b = bbp.attribute(network, x, rule=rule), bbp.attribute(network, other, rule=rule)
        torch.testing.assert_close(a.bias[0], b.bias[0], rtol=EXACT, atol=EXACT * 100)
        torch.testing.assert_close(a.gradient[0], b.gradient[0], rtol=EXACT, atol=EXACT * 100)


#: Said again in other ops: equal but for rounding.
REWRITTEN = {
    "attention", "attention_masked", "attention_causal", "attention_grouped", "cosine_similarity", "rms_norm",
    "rms_norm_plain", "variance_with_mean",
}  # fmt: skip
#: Where autograd has an infinite slope, and no number for a gradient, and we have none.
NOT_AUTOGRADS: set[str] = {"sqrt_of_zero", "log_of_zero", "lp_pool"}


def test_the_table_has_a_row_for_every_op() -> None:
    seen = set()
    for _, shape, function in ROWS:
        x = _random(1, *shape)
        seen |= {node.op for node in bbp.linearize(_Op(function, x).eval(), x).nodes}
    ours = {f"aten.{op}" if not op.startswith("aten") else op for op in supported_ops()}
    missing = {op for op in ours if op not in {s.removesuffix(".default") for s in seen}}
    assert missing <= UNREACHED, sorted(missing - UNREACHED)


#: Registered under a second name that this version of torch, or this device, does not use.
UNREACHED = {
    "aten._native_batch_norm_legit.no_stats", "aten._native_batch_norm_legit_no_training", "aten._reshape_alias",
    "aten._to_copy", "aten._unsafe_view", "aten.add.Scalar", "aten.alias", "aten.chunk", "aten.contiguous",
    "aten.cudnn_batch_norm", "aten.div.Scalar", "aten.div.Scalar_mode", "aten.dropout", "aten.flatten.using_ints",
    "aten.lift_fresh", "aten.linear", "aten.miopen_batch_norm", "aten.mul.Scalar", "aten.native_channel_shuffle",
    "aten.reshape", "aten.square", "aten.squeeze", "aten.squeeze.dims", "aten.sub.Scalar", "aten.unflatten.int",
    "aten.view_copy",
}  # fmt: skip


def _statistics(x: Tensor, dims: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    return x.mean(dims, keepdim=True).detach(), (
        x.var(dims, unbiased=False, keepdim=True) + 1e-5
    ).rsqrt().detach()


def _normed(x: Tensor, dims: tuple[int, ...]) -> Tensor:
    mean, rate = _statistics(x, dims)
    return (x - mean) * rate


def _squeezed(x: Tensor) -> Tensor:
    return F.linear(F.linear(x.mean((2, 3)), _parameter(3, 4), _parameter(3)).relu(), _parameter(4, 3))[
        ..., None, None
    ]


def _parts(x: Tensor) -> list[Tensor]:
    return [F.linear(x, _random(i, 5, 11), _random(i, 5)) for i in range(3)]


def _scores(x: Tensor) -> Tensor:
    q, k, _ = _parts(x)
    return q @ k.mT / 5**0.5


def _rate(x: Tensor, eps: float = 1e-5) -> Tensor:
    return torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + eps)


Pair = tuple[tuple[int, ...], Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]
#: An op, and the same with its gate cut off from the input by hand.
GATES: dict[str, Pair] = {
    "silu": (PICTURE, F.silu, lambda x: x * x.sigmoid().detach()),
    "silu_by_hand": (PICTURE, lambda x: x * x.sigmoid(), lambda x: x * x.sigmoid().detach()),
    "gelu": (PICTURE, F.gelu, lambda x: x * (0.5 + 0.5 * torch.erf(x / 2**0.5)).detach()),
    "gelu_by_tanh": (PICTURE, lambda x: F.gelu(x, approximate="tanh"),
                     lambda x: x * (F.gelu(x, approximate="tanh") / x).detach()),
    "mish": (PICTURE, F.mish, lambda x: x * F.softplus(x).tanh().detach()),
    "hardswish": (PICTURE, lambda x: F.hardswish(3 * x), lambda x: 3 * x * (F.relu6(3 * x + 3) / 6).detach()),
    "glu": (PICTURE, lambda x: F.glu(x, 1), lambda x: x[:, :2] * x[:, 2:].sigmoid().detach()),
    "glu_by_hand": (PICTURE, lambda x: x[:, 2:].sigmoid() * x[:, :2], lambda x: x[:, :2] * x[:, 2:].sigmoid().detach()),
    "layer_norm": (LINE, lambda x: F.layer_norm(x, (11,), _parameter(11), _parameter(11)),
                   lambda x: _normed(x, (2,)) * _parameter(11) + _parameter(11)),
    "group_norm": (PICTURE, lambda x: F.group_norm(x, 2, _parameter(4), _parameter(4)), lambda x: _normed(
        x.unflatten(1, (2, 2)), (2, 3, 4)).flatten(1, 2) * _parameter(4)[:, None, None] + _parameter(4)[:, None, None]),
    "instance_norm": (PICTURE, F.instance_norm, lambda x: _normed(x, (2, 3))),
    "rms_norm": (LINE, lambda x: F.rms_norm(x, (11,), _parameter(11), 1e-5),
                 lambda x: x * _rate(x).detach() * _parameter(11)),
    "rms_norm_by_hand": (LINE, lambda x: x * _rate(x), lambda x: x * _rate(x).detach()),
    "rms_norm_by_power": (LINE, lambda x: x * (x.pow(2).mean(-1, True) + 1e-5).pow(-0.5),
                          lambda x: x * _rate(x).detach()),
    "rms_norm_by_quotient": (LINE, lambda x: x / (x.pow(2).mean(-1, True) + 1e-5).sqrt(),
                             lambda x: x * _rate(x).detach()),
    "normalize": (LINE, lambda x: F.normalize(x, dim=2), lambda x: x / x.norm(dim=2, keepdim=True).detach()),
    "squeeze_and_excitation": (PICTURE, lambda x: x * _squeezed(x).sigmoid(),
                               lambda x: x * _squeezed(x).sigmoid().detach()),
    "squeeze_hard": (PICTURE, lambda x: F.hardsigmoid(_squeezed(x)).expand_as(x) * x,
                     lambda x: x * F.hardsigmoid(_squeezed(x)).detach()),
    "gate_scaled": (PICTURE, lambda x: x * (1 - 2 * F.dropout(x.sigmoid(), training=False)).mT.mT,
                    lambda x: x * (1 - 2 * x.sigmoid()).detach()),
    "attention": (LINE, lambda x: F.scaled_dot_product_attention(*_parts(x)),
                  lambda x: _scores(x).softmax(-1).detach() @ _parts(x)[2]),
    "softmax_by_hand": (LINE, lambda x: torch.einsum("nij,njd->nid", _scores(x).softmax(-1), _parts(x)[2]),
                        lambda x: _scores(x).softmax(-1).detach() @ _parts(x)[2]),
    "lerp": (LINE, lambda x: torch.lerp(x, x.sin(), x.sigmoid()),
             lambda x: torch.lerp(x, x.sin(), x.sigmoid().detach())),
    "addcmul": (LINE, lambda x: torch.addcmul(x.sin(), x, x.sigmoid()), lambda x: x.sin() + x * x.sigmoid().detach()),
    "a_gate_alone": (LINE, torch.sigmoid, torch.sigmoid),
    "softmax_alone": (LINE, lambda x: x.softmax(1), lambda x: x.softmax(1)),
}  # fmt: skip


@pytest.mark.parametrize("name", GATES)
def test_a_gate_held_fixed_gives_the_gated_weight(name: str) -> None:
    shape, function, held = GATES[name]
    x = _random(1, *shape)
    network = _Op(held, x).eval()
    traced = x.clone().requires_grad_()
    (weight,) = torch.autograd.grad(network(traced).sum(), traced)
    local = bbp.linearize(_Op(function, x).eval(), x, linearization="gated")
    torch.testing.assert_close(local.value, network(x), rtol=EXACT, atol=EXACT)
    torch.testing.assert_close(local.w, weight, rtol=EXACT, atol=EXACT)
    _check_completeness(local, "proportional", EXACT * 100)


class _Mass(nn.Module):
    """An op with a constant added to it, and a weighting: how much mass the constant brings to the op is known."""

    def __init__(self, function: Callable[[Tensor], Tensor], x: Tensor, live: Tensor) -> None:
        super().__init__()
        self.function, self.live, self.fixed = function, live, _random(4, *x.shape)
        y = function(x)
        self.added, self.rates = torch.zeros_like(y), _random(6, *y.shape)

    def op(self, x: Tensor) -> Tensor:
        return self.function(torch.where(self.live, x, self.fixed))

    def forward(self, x: Tensor) -> Tensor:
        return ((self.op(x) + self.added) * self.rates).flatten(1).sum(1)

    def shared(self, x: Tensor, reached: Tensor) -> tuple[Tensor, Tensor]:
        """Return some mass at the op's outputs, and what the inputs got of it."""
        before = bbp.attribute(self, x, rule="uniform").bias
        self.added = torch.where(reached, _random(5, *self.rates.shape), 0)
        return self.added * self.rates, bbp.attribute(self, x, rule="uniform").bias - before


def _some_live(x: Tensor) -> Tensor:
    return torch.rand(x.shape, generator=torch.Generator().manual_seed(3)) < 0.5


@pytest.mark.parametrize(("function", "groups"), [
    (lambda x: x.softmax(2), (2,)),
    (lambda x: x.log_softmax(1), (1,)),
    (lambda x: F.layer_norm(x, (5,), _parameter(5)), (2,)),
    (lambda x: F.group_norm(x, 1, _parameter(4)), (1, 2)),
    (lambda x: F.instance_norm(x), (2,)),
])  # fmt: skip
def test_mass_follows_each_element_and_that_of_constants_is_shared_in_the_group(
    function: Callable[[Tensor], Tensor], groups: tuple[int, ...]
) -> None:
    x = _random(1, 1, 4, 5)
    network = _Mass(function, x, _some_live(x)).eval()
    count = network.live.sum(groups, keepdim=True)
    mass, got = network.shared(x, (count > 0).expand(x.shape))
    stray = torch.where(network.live, 0, mass).sum(groups, keepdim=True) / count.clamp(min=1)
    torch.testing.assert_close(got, torch.where(network.live, mass + stray, 0), rtol=EXACT, atol=EXACT)


@pytest.mark.parametrize("everything", [True, False], ids=["whole", "partly"])
@pytest.mark.parametrize("function", [
    lambda x: F.interpolate(x, (9, 4), mode="bilinear"),
    lambda x: F.interpolate(x, (3, 3), mode="bilinear", antialias=True),
    lambda x: F.interpolate(x, scale_factor=1.5, mode="bicubic"),
    lambda x: F.interpolate(x, (7, 6)),
    lambda x: F.grid_sample(x, 1.2 * _random(7, 1, 3, 3, 2), align_corners=False),
    lambda x: F.pad(x, (2, 1, 0, 1), mode="reflect"),
    lambda x: x.repeat(1, 2, 1, 2)[:, :, [0, 0, 2]],
])  # fmt: skip
def test_mass_goes_by_the_weights_of_an_interpolation(
    function: Callable[[Tensor], Tensor], everything: bool
) -> None:
    x = _random(1, 1, 2, 4, 5)
    network = _Mass(function, x, torch.ones_like(x, dtype=torch.bool) if everything else _some_live(x)).eval()
    weights = torch.autograd.functional.jacobian(network.op, x).reshape(-1, x.numel()).abs()
    total = weights.sum(1)
    mass, got = network.shared(x, (total > 0).view(network.rates.shape))
    shares = weights / total.clamp(min=1e-12)[:, None]
    torch.testing.assert_close(got, (shares.mT @ mass.flatten()).view(x.shape), rtol=EXACT, atol=EXACT)


def test_two_live_operands_of_a_smooth_op_share_alike() -> None:
    class Two(nn.Module):
        def __init__(self, op: Callable[[Tensor, Tensor], Tensor]) -> None:
            super().__init__()
            self.op = op

        def forward(self, a: Tensor, b: Tensor) -> Tensor:
            return (self.op(a, b) + 1).sum(1)

    a, b = _random(1, 1, 6), _random(2, 1, 6)
    for op in (torch.mul, torch.div, torch.atan2):
        first, second = bbp.attribute(Two(op).eval(), (a, b)).bias
        torch.testing.assert_close(first, second)
    tied = bbp.attribute(Two(torch.maximum).eval(), (a, a.clone()))
    torch.testing.assert_close(tied.bias, (torch.full_like(a, 0.5), torch.full_like(a, 0.5)))
    apart = bbp.attribute(Two(torch.maximum).eval(), (a, a - 1))
    torch.testing.assert_close(apart.bias, (torch.ones_like(a), torch.zeros_like(a)))


@pytest.mark.parametrize("function", [
    lambda x: F.lp_pool2d(x.relu(), 2, 2),
    lambda x: (x.relu() ** 2).sum(1).sqrt(),
    lambda x: x.relu().norm(dim=1),
    lambda x: F.normalize(x.relu(), dim=1),
    lambda x: x.relu().std(1),
    lambda x: F.layer_norm(x * 0, (4, 4)),
])  # fmt: skip
def test_a_finite_network_gives_no_nan_where_everything_is_zero(function: Callable[[Tensor], Tensor]) -> None:
    x = _random(1, 2, 3, 4, 4)
    x[0] = -1.0
    local = bbp.linearize(_Op(function, x).eval(), x)
    assert torch.isfinite(local.w).all()
    for rule in ("uniform", "proportional", "softmax"):
        _check_completeness(local, rule, EXACT * 100)


def test_an_op_without_linearization_is_refused_with_its_place() -> None:
    class Inner(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.special.i0(x)

    network = nn.Sequential(nn.Linear(3, 3), Inner()).eval()
    with pytest.raises(bbp.errors.UnsupportedOp) as caught:
        bbp.linearize(network, torch.ones(1, 3))
    message = str(caught.value)
    assert "aten.i0" in message
    assert 'module "1"' in message
    assert "test_ops.py" in message
    assert "linearizes" in message


@pytest.mark.parametrize(
    "move", [lambda x: x.transpose(0, 1), lambda x: x.permute(2, 0, 1), lambda x: x.flip(0)]
)
def test_samples_that_leave_the_first_axis_are_refused(move: Callable[[Tensor], Tensor]) -> None:
    class Moved(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return move(x).relu().mean() + x.flatten(1).sum(1)

    x = torch.randn(2, 4, 6)
    with pytest.raises(bbp.errors.UnsupportedOp, match="batch_size=1"):
        bbp.linearize(Moved().eval(), x)
    assert bbp.linearize(Moved().eval(), x[:1]).value.shape == (1,)


def test_what_is_refused_leaves_the_way_to_the_target_alone() -> None:
    class Heads(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.main, self.aux = nn.Linear(3, 2), nn.Linear(3, 2)

        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            return self.main(x), torch.special.i0(self.aux(x))

    local = bbp.linearize(Heads().eval(), torch.ones(1, 3), target=lambda out: out[0][:, 1])
    assert [node.module for node in local.nodes] == ["main"]
