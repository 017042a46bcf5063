"""A signal explained: bars along its positions with Python's numbers, by pointer and by keys, in both themes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from browser.stage import Stage, close
from browser.test_page import violations
from playwright.sync_api import Browser
from torch import nn

import bbp_widgets as bbp

LEADS, LENGTH = 3, 200
#: Made here and in the kernel, from the same seed.
MAKE = f"""
import torch, bbp_widgets as bbp
from torch import nn
torch.manual_seed(4)
time = torch.arange({LENGTH}) / {LENGTH}
beats = torch.exp(-(((time[:, None] - torch.tensor([0.2, 0.5, 0.8])) / 0.02) ** 2)).sum(1)
signals = torch.stack([beats * (1 - lead / 2) + 0.1 * torch.randn({LENGTH}) for lead in range({LEADS})])[None]
network = nn.Sequential(
    nn.Conv1d({LEADS}, 6, 7, padding=3), nn.ReLU(), nn.MaxPool1d(4), nn.Conv1d(6, 8, 5, padding=2), nn.ReLU(),
    nn.AdaptiveAvgPool1d(5), nn.Flatten(), nn.Linear(40, 3),
).eval()
"""
SHOW = f"""{MAKE}
explorer = bbp.Explorer(network, signals, classes=["calm", "fast", "odd"], features=["I", "II", "III"], target=1)
"""
#: Figures are read with three digits.
THREE = 6e-3


def made() -> tuple[nn.Module, torch.Tensor]:
    names: dict[str, Any] = {}
    exec(MAKE, names)
    return names["network"], names["signals"]


@pytest.fixture(scope="module")
def parts() -> list[torch.Tensor]:
    network, signals = made()
    result = bbp.attribute(network, signals, target=1)
    gradient, bias = result.gradient[0].double(), result.bias[0].double()  # type: ignore[union-attr,index]
    return [gradient, bias, gradient + bias]


def rows(stage: Stage) -> Any:
    return stage.root.locator(".bbp-trace:not(.bbp-signal-input):visible")


def read(stage: Stage) -> str:
    return stage.root.locator(".bbp-gallery .unit .reading").inner_text()


def test_sums_limits_and_every_position_by_pointer(
    instead: Callable[[str], Stage], parts: list[torch.Tensor]
) -> None:
    stage = instead(SHOW)
    assert rows(stage).count() == 3
    for i, part in enumerate(parts):
        assert close(stage.sum_of(i), float(part.sum()), 1e-5)
        assert close(stage.limit_of(i), float(part.abs().max()), 1e-5)
    lane, place = 1, 101
    for grain in (1, 4, 16):
        stage.choose("grain", grain)
        stage.point(rows(stage).nth(2).locator(".frame"), (place + 0.5) / LENGTH, (lane + 0.5) / LEADS)
        start = place // grain * grain
        for i, part in enumerate(parts):
            assert close(stage.reading_of(i), float(part[lane, start : start + grain].sum()), THREE), (
                grain,
                i,
            )
            assert close(stage.sum_of(i), float(part.sum()), 1e-5)
        wanted = "position 101, II" if grain == 1 else f"positions {start}–{start + grain - 1}, II"
        assert read(stage) == wanted
    limits = [stage.limit_of(i) for i in range(3)]
    stage.choose("scale", "shared", by="keys")
    assert [stage.limit_of(i) for i in range(3)] == [max(limits)] * 3
    assert violations(stage) == []


def test_the_keys_read_the_same_position_in_all_rows(
    instead: Callable[[str], Stage], parts: list[torch.Tensor], python: Any
) -> None:
    stage = instead(SHOW)
    stage.choose("channels", "summed", by="keys")
    frame = stage.root.locator(".bbp-signal-input .frame")
    frame.focus()
    stage.press("ArrowRight", "ArrowRight", "Shift+ArrowRight")
    at = LENGTH // 2 + 11
    assert read(stage) == f"position {at}"
    for i, part in enumerate(parts):
        assert close(stage.reading_of(i), float(part[:, at].sum()), THREE)
    assert f"position {at}: gradient attribution" in stage.said(".bbp-gallery > .bbp-unseen")
    step = stage.step()
    stage.press("Escape", "ArrowLeft")
    assert stage.step() == step + 1
    stage.wait_at_rest()
    assert python("explorer.state['channels']") == "summed"
    stage.walk("Control+z", "Control+z")  # the step, then the choice
    assert stage.chosen("channels") == "apart"
    stage.walk("End")
    assert stage.root.locator(".lane-names span:visible").all_inner_texts() == ["I", "II", "III"]
    stage.picture("signal")


def test_a_second_rule_has_a_row_and_the_rows_are_nodes_few(instead: Callable[[str], Stage]) -> None:
    code = SHOW.replace(
        "bbp.Explorer(network, signals,", "bbp.Explorer(network, signals, lanes=['uniform', 'winner'],"
    )
    stage = instead(code)
    assert rows(stage).count() == 4
    rows(stage).nth(2).get_by_role("button").click()
    stage.wait_until(
        "return root.querySelectorAll('.bbp-trace [aria-pressed=true]')[0].textContent.includes('winner')"
    )
    assert stage.root.locator(".bbp-signals *").count() < 200


def test_signals_are_chosen_by_their_traces(instead: Callable[[str], Stage], python: Any) -> None:
    code = SHOW.replace(
        "bbp.Explorer(network, signals,", "bbp.Explorer(network, torch.cat([signals, -signals, signals * 0]),"
    )
    stage = instead(code)
    traces = stage.root.locator(".samples .trace:visible")
    traces.nth(2).wait_for()
    lines = traces.evaluate_all(
        "(all) => all.map((one) => [...one.children].map((path) => path.getAttribute('d')))"
    )
    assert [len(lanes) for lanes in lines] == [3, 3, 3]
    ends = python(
        "__import__('bbp_widgets').views.trace_of(explorer._desk.samples.lines[0],"
        " explorer._desk.samples.tensor(1)[0])[0].tolist()"
    )
    # the longest stroke of the first lane of the second sample stands where Python's values are furthest apart
    strokes = [stroke.split(",")[1].split("V") for stroke in lines[1][0].split("M")[1:]]
    lengths = [abs(float(top) - float(bottom)) for top, bottom in strokes]
    low, high = ends
    joined = [
        max(high[i], low[i - 1] if i else 0) - min(low[i], high[i - 1] if i else 255) for i in range(len(low))
    ]
    assert len(lengths) == 48
    assert all(abs(a - b / 255 * (32 / 3 - 4)) < 0.11 for a, b in zip(lengths, joined, strict=True))
    stage.choose("sample", 1, by="keys")
    stage.wait_at_rest()
    assert python("explorer.sample") == 1
    assert violations(stage) == []
    stage.picture("signal-traces")


WORDS = ["the", "film", "was", "not", "bad", "at", "all"]
READ = f"""
import torch, bbp_widgets as bbp
from torch import nn
torch.manual_seed(1)
class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb, self.head = nn.Embedding(20, 24), nn.Linear(24, 2)
        self.layer = nn.TransformerEncoderLayer(24, 2, 30, batch_first=True)
    def forward(self, words):
        return self.head(self.layer(self.emb(words)).mean(1))
reader, words = Reader().eval(), torch.arange(7)[None]
explorer = bbp.Explorer(reader, words, wrt="emb", features={WORDS!r}, target=0)
"""


def test_tokens_have_a_bar_each_under_their_words(instead: Callable[[str], Stage], python: Any) -> None:
    stage = instead(READ)
    assert stage.root.locator(".bbp-signals .axis span").all_inner_texts() == WORDS
    bias = python("explorer.attribution.bias[0].double().sum(-1).tolist()")
    stage.point(rows(stage).nth(1).locator(".frame"), 4.5 / 7, 0.5)
    assert read(stage) == "position 4, bad"
    assert close(stage.reading_of(1), bias[4], THREE)
    assert close(stage.sum_of(1), sum(bias), 1e-5)
    stage.walk("End")
    assert "24 channels of 1 × 7" in stage.root.locator(".bbp-atlas h4").inner_text()
    assert violations(stage) == []
    stage.picture("tokens")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_saved_page_of_sixteen_thousand_samples(browser: Browser, tmp_path: Path, scheme: Any) -> None:
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv1d(1, 4, 64, stride=16), nn.ReLU(), nn.AdaptiveAvgPool1d(8), nn.Flatten(), nn.Linear(32, 2)
    ).eval()
    sound = torch.sin(torch.arange(16_000) * 0.01)[None, None] + 0.2 * torch.randn(1, 1, 16_000)
    explorer = bbp.Explorer(network, torch.cat([sound, sound.flip(-1)]), target=0)
    path = explorer.save(tmp_path / "x.html", rules=["uniform"])
    for kind in ("png", "svg", "csv"):
        assert explorer.save(tmp_path / f"x.{kind}").stat().st_size > 1000
    bias = explorer.attribution.bias[0, 0].double()  # type: ignore[call-overload,index]
    explorer.close()
    context = browser.new_context(viewport={"width": 1360, "height": 1200}, color_scheme=scheme)
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(path.as_uri())
    context.set_offline(True)
    stage = Stage(page)
    assert stage.root.locator(".samples .trace:visible").count() == 2
    stage.walk("End")
    for grain in (1, 16):
        stage.choose("grain", grain)
        place = 8000
        stage.point(rows(stage).nth(1).locator(".frame"), (place + 0.5) / 16_000, 0.4)
        told = read(stage).removeprefix("positions ").removeprefix("position ")
        start = int(told.partition("–")[0])
        assert close(stage.reading_of(1), float(bias[start : start + grain].sum()), THREE)
    assert close(stage.sum_of(1), float(bias.sum()), 1e-5)
    assert stage.root.locator(".bbp-signals *").count() < 100
    stage.choose("rule", "uniform")
    stage.wait_until(
        "return root.querySelector('[aria-label=rule] [aria-checked=true]').dataset.key === 'uniform'"
    )
    stage.picture("signal-long")
    assert problems == []
    context.close()
