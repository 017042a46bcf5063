"""The embedded networks do what they say, from data that is small and plain."""

from __future__ import annotations

import dataclasses
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import bbp_widgets.demo as demo_module
import bbp_widgets.demo.train as training
from bbp_widgets.demo import SHAPES, Demo, digits, draw, networks, sample, shapes

DATA = Path(demo_module.__file__).parent / "data"
LEAST = 0.97  # accuracy promised for both
LARGEST = 1_500_000  # bytes, of everything in the data folder
ONE_PICTURE = 1 / 450  # sums in another order may tip one picture over

DEMOS = pytest.mark.parametrize("make", [digits, shapes], ids=["digits", "shapes"])
Make = Callable[[], Demo]


def right(demo: Demo, inputs: torch.Tensor, labels: torch.Tensor) -> float:
    with torch.no_grad():
        return (demo.network(inputs).argmax(1) == labels).float().mean().item()


@DEMOS
def test_what_comes_is_what_is_said(make: Make) -> None:
    demo = make()
    n, channels, height, width = demo.inputs.shape
    assert n == 12
    assert demo.inputs.dtype == torch.float32
    assert demo.pictures.shape == (n, height, width, channels)
    assert demo.pictures.dtype == np.uint8
    assert demo.labels.shape == (n,)
    assert demo.labels.dtype == torch.int64
    assert set(demo.labels.tolist()) == set(range(len(demo.classes)))
    assert not any(module.training for module in demo.network.modules())
    with torch.no_grad():
        assert demo.network(demo.inputs).shape == (n, len(demo.classes))


def test_digits_are_as_accurate_as_stated() -> None:
    demo = digits()
    inputs, labels = demo.held_out(10_000)
    assert len(inputs) == 450
    assert demo.accuracy >= LEAST
    assert right(demo, inputs, labels) == pytest.approx(demo.accuracy, abs=1.5 * ONE_PICTURE)


def test_shapes_are_as_accurate_as_stated_on_fresh_pictures() -> None:
    demo = shapes()
    pictures, labels = sample(400, seed=31_337)
    assert demo.accuracy >= LEAST
    assert right(demo, demo.prepare(pictures), torch.from_numpy(labels)) >= LEAST
    assert right(demo, *demo.held_out(200)) >= LEAST


def test_the_held_out_digits_are_real_ones_and_were_not_trained_on() -> None:
    datasets = pytest.importorskip("sklearn.datasets")
    from bbp_widgets.demo.train import digits_task

    task = digits_task()
    demo = digits()
    held, labels = demo.held_out(450)
    assert torch.equal(held, demo.prepare(task.held_out[0]))
    assert labels.tolist() == task.held_out[1].tolist()
    assert len(task.train[0]) + len(held) == len(datasets.load_digits().images)


@DEMOS
def test_inputs_are_the_pictures_prepared(make: Make) -> None:
    demo = make()
    assert torch.equal(demo.prepare(demo.pictures), demo.inputs)
    assert torch.equal(demo.prepare(demo.pictures[3]), demo.inputs[3:4])
    mean, std = (torch.tensor(v)[:, None, None] for v in (demo.mean, demo.std))
    back = ((demo.inputs * std + mean) * 255).round().permute(0, 2, 3, 1).numpy()
    assert np.array_equal(back.astype(np.uint8), demo.pictures)


@DEMOS
def test_a_picture_of_another_size_is_refused_with_the_right_one(make: Make) -> None:
    demo = make()
    with pytest.raises(ValueError, match=str(demo.pictures.shape[1])):
        demo.prepare(np.zeros((1, 5, 7, 3), np.uint8))


@DEMOS
def test_networks_have_norms_and_skips_and_no_bias_before_a_norm(make: Make) -> None:
    network = make().network
    convolutions = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    assert len(convolutions) == len(norms) >= 5
    assert all(convolution.bias is None for convolution in convolutions)
    assert next(name for name, _ in network.named_children()) == "stem"
    assert "block1.conv1" in dict(network.named_modules())
    head = network.get_submodule("head")
    assert isinstance(head, nn.Linear)
    assert head.bias is not None


@DEMOS
def test_two_calls_share_nothing(make: Make) -> None:
    one, other = make(), make()
    with torch.no_grad():
        next(one.network.parameters()).zero_()
    one.inputs.zero_()
    assert next(other.network.parameters()).abs().sum() > 0
    assert other.inputs.abs().sum() > 0


def test_a_demo_cannot_be_reassigned() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        digits().accuracy = 1.0  # type: ignore[misc]


def test_the_data_is_small_and_holds_no_pickle() -> None:
    files = sorted(DATA.iterdir())
    assert [file.stem for file in files] == [
        "digits", "digits_bare", "digits_bias", "facts", "shapes", "shapes_bare", "shapes_bias",
    ]  # fmt: skip
    assert sum(file.stat().st_size for file in files) < LARGEST
    for file in files:
        if file.suffix == ".npz":
            with zipfile.ZipFile(file) as archive:
                for name in archive.namelist():
                    array = np.lib.format.read_array(io.BytesIO(archive.read(name)), allow_pickle=False)
                    assert array.dtype.kind in "fiu", name


def test_the_facts_are_those_of_the_demos() -> None:
    facts = json.loads((DATA / "facts.json").read_text(encoding="utf-8"))
    assert set(facts) == {file.stem for file in DATA.glob("*.npz")}
    assert facts["shapes"]["classes"] == facts["shapes_bare"]["classes"] == list(SHAPES)


# Twins


@pytest.mark.parametrize("kind", ["bias", "bare"])
@DEMOS
def test_a_twin_is_as_accurate_as_stated(make: Make, kind: str) -> None:
    demo, first = make(kind), make()  # type: ignore[call-arg]
    assert demo.name == f"{first.name}_{kind}"
    assert np.array_equal(demo.pictures, first.pictures)
    assert demo.accuracy >= LEAST
    assert right(demo, *demo.held_out(400)) == pytest.approx(demo.accuracy, abs=0.02)
    biases = [name for name, _ in demo.network.named_parameters() if name.endswith("bias")]
    assert bool(biases) == (kind == "bias")


def test_what_is_written_of_a_twin_is_what_is_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("sklearn")
    real = training.twin_task
    monkeypatch.setattr(training, "twin_task", lambda *a: dataclasses.replace(real(*a), epochs=1))
    monkeypatch.setattr(training, "DATA", tmp_path)
    training.write_twin("digits", "bare")
    facts = json.loads((tmp_path / "facts.json").read_text(encoding="utf-8"))["digits_bare"]
    assert facts["held_out"] == 450
    (tmp_path / "digits.npz").write_bytes((DATA / "digits.npz").read_bytes())
    monkeypatch.setattr(demo_module, "_DATA", tmp_path)
    demo = digits("bare")
    assert right(demo, *demo.held_out(450)) == pytest.approx(facts["accuracy"], abs=ONE_PICTURE)


def test_a_kind_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="norm, bias, bare"):
        shapes("blob")


def test_a_bare_twin_has_no_bias_and_a_twin_with_biases_has_one_everywhere() -> None:
    for kind in ("bias", "bare"):
        for network in (networks.Digits(kind=kind), networks.Shapes(kind=kind)):
            layers = [m for m in network.modules() if isinstance(m, (nn.Conv2d, nn.Linear))]
            assert {layer.bias is not None for layer in layers} == {kind == "bias"}
            assert not any(isinstance(module, nn.BatchNorm2d) for module in network.modules())
            names = [name for name, _ in network.named_modules()]
            assert names == [name for name, _ in type(network)().named_modules() if name in names]


def test_a_twin_is_trained_by_the_seed_and_disturbs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("sklearn")
    real = training.twin_task
    monkeypatch.setattr(training, "twin_task", lambda *a: dataclasses.replace(real(*a), epochs=1))
    state = torch.random.get_rng_state()
    said: list[str] = []
    (one, inputs, labels), (other, _, _) = (
        training.twin("digits", "bare", say=said.append) for _ in range(2)
    )
    assert torch.equal(state, torch.random.get_rng_state())
    assert len(said) == 2
    assert torch.equal(one(inputs), other(inputs))
    assert torch.equal(labels, digits().held_out(450)[1])
    torch.testing.assert_close(inputs, digits().held_out(450)[0])
    with pytest.raises(ValueError, match="norm, bias, bare"):
        training.twin("digits", "blob")


# Drawing


@pytest.mark.parametrize("shape", SHAPES)
def test_the_same_parameters_give_the_same_picture(shape: str) -> None:
    first = draw(shape, x=30, y=35, size=18, rotation=20, noise=0.1, seed=4)
    assert first.shape == (64, 64, 3)
    assert first.dtype == np.uint8
    assert np.array_equal(first, draw(shape, x=30, y=35, size=18, rotation=20, noise=0.1, seed=4))
    assert not np.array_equal(first, draw(shape, x=30, y=35, size=18, rotation=20, noise=0.1, seed=5))


@pytest.mark.parametrize("shape", SHAPES)
def test_a_shape_stays_in_its_circle_and_nearly_fills_it(shape: str) -> None:
    white, black = (1.0, 1.0, 1.0), (0.0, 0.0, 0.0)
    picture = draw(shape, x=30, y=34, size=20, colour=white, background=black)[..., 0] / 255.0
    rows, columns = np.mgrid[:64, :64] + 0.5
    radius = np.hypot(columns - 30, rows - 34)
    assert picture[radius > 21].max() == 0.0
    assert picture[radius > 17].max() > 0.5
    assert set(np.unique(picture)) & {0.0, 1.0} == {0.0, 1.0}
    assert ((picture > 0) & (picture < 1)).any(), "edges are smooth"


def test_a_circle_has_the_area_of_a_circle() -> None:
    white, black = (1.0, 1.0, 1.0), (0.0, 0.0, 0.0)
    circle = draw("circle", size=20, colour=white, background=black)[..., 0].sum() / 255.0
    assert circle == pytest.approx(np.pi * 400, rel=0.01)
    square = draw("square", size=20, rotation=33, colour=white, background=black)[..., 0].sum() / 255.0
    assert square == pytest.approx(2 * 400, rel=0.01)


def test_a_turn_is_clockwise_and_a_whole_turn_is_none() -> None:
    upright = draw("triangle", size=20)
    assert np.array_equal(upright, draw("triangle", size=20, rotation=360))
    assert np.array_equal(np.rot90(upright, -1), draw("triangle", size=20, rotation=90))


def test_noise_has_the_size_asked_for() -> None:
    grey = (0.5, 0.5, 0.5)
    picture = draw("circle", colour=grey, background=grey, noise=0.1) / 255.0
    assert picture.std() == pytest.approx(0.1, rel=0.03)


@pytest.mark.parametrize(
    ("kwargs", "said"),
    [({"shape": "blob"}, "circle, square"), ({"size": 0}, "size"), ({"noise": -0.1}, "noise")],
)
def test_bad_parameters_are_refused(kwargs: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        draw(**{"shape": "circle", **kwargs})  # type: ignore[arg-type]


def test_a_sample_is_the_same_for_the_same_seed_and_holds_every_shape() -> None:
    pictures, labels = sample(64, seed=9)
    again, labels_again = sample(64, seed=9)
    assert np.array_equal(pictures, again)
    assert np.array_equal(labels, labels_again)
    assert set(labels.tolist()) == set(range(len(SHAPES)))
    assert not np.array_equal(pictures, sample(64, seed=10)[0])
