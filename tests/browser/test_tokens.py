"""A vision transformer: its patches are maps over the input, its class token stands above them and can be chosen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from browser.stage import Stage, close
from browser.test_page import violations

VIT = """
import torch, bbp_widgets as bbp
from torch import nn
torch.manual_seed(5)
class Patches(nn.Module):
    def __init__(self):
        super().__init__()
        self.cut = nn.Conv2d(3, 16, 8, 8)
        self.token, self.places = nn.Parameter(torch.randn(1, 1, 16)), nn.Parameter(torch.randn(1, 65, 16))
        layer = nn.TransformerEncoderLayer(16, 2, 24, batch_first=True)
        self.layers = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(16, 3)
    def forward(self, x):
        patches = self.cut(x).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.token.expand(len(x), -1, -1), patches], 1) + self.places
        return self.head(self.layers(tokens).mean(1))
demo = bbp.demo.shapes()
explorer = bbp.Explorer(Patches().eval(), demo.inputs[:1], pictures=demo.pictures[:1], target=1)
explorer.wait()
frame = next(
    i for i, f in enumerate(explorer.film.header["frames"]) if f["module"] == "layers.layers.0.linear1" and f["mixes"]
)
explorer.step = frame
"""


def test_patches_are_maps_and_the_class_token_stands_above(
    instead: Callable[[str], Stage], python: Any
) -> None:
    stage = instead(VIT)
    frame = python("frame")
    stage.wait_until(
        "return root.querySelector('.bbp-rail').getAttribute('aria-valuetext').includes('linear1')"
    )
    head = stage.root.locator(".bbp-atlas h4")
    assert "24 channels of 8 × 8 and 1 token above" in head.inner_text()
    assert "mass on 8 × 8" in stage.root.locator(".bbp-picture .limits").inner_text()
    tile = stage.root.locator(".bbp-atlas .tile:visible").first
    channel = int(tile.locator(".number").inner_text())
    mass = f"explorer.attribution.at({frame - 1}).of(0).mass[:, {channel}].double()"
    assert close(
        float(tile.locator("b").get_attribute("data-value") or "nan"), python(f"{mass}.sum().item()"), 1e-4
    )
    stage.root.locator(".bbp-atlas .grid").focus()
    stage.press("Enter", "Home", *["ArrowUp"] * 8)
    assert f"ch {channel}, token 0" in stage.root.locator(".bbp-atlas .reading").inner_text()
    stage.press("Enter")
    stage.wait_at_rest()
    assert python("explorer.selection") == {"frame": frame, "at": [channel, 0, 0]}
    stage.wait_until("return root.querySelector('.bbp-inspector [data-value]') !== null")
    stage.press("ArrowRight")
    assert "no unit here" in stage.root.locator(".bbp-atlas .reading").inner_text()
    stage.press("ArrowDown")
    assert f"ch {channel}, (0, 1)" in stage.root.locator(".bbp-atlas .reading").inner_text()
    assert violations(stage) == []
    stage.picture("patches")


SECOND = """
import torch, bbp_widgets as bbp
from torch import nn
torch.manual_seed(6)
class Second(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb, self.head = nn.Embedding(20, 24), nn.Linear(24, 2)
        self.layer = nn.TransformerEncoder(nn.TransformerEncoderLayer(24, 2, 30), 2)
    def forward(self, words):
        return self.head(self.layer(self.emb(words.t())).mean(0))
words = torch.arange(7)[None]
names = ["the", "film", "was", "not", "bad", "at", "all"]
explorer = bbp.Explorer(Second().eval(), words, wrt="emb", features=names, target=0)
"""


def test_tokens_that_have_the_samples_second_are_tokens(instead: Callable[[str], Stage], python: Any) -> None:
    stage = instead(SECOND)
    assert stage.root.locator(".bbp-signals .axis span").all_inner_texts() == python("names")
    assert stage.root.locator(".bbp-signal-input .laid").is_hidden()
    bias = python("explorer.attribution.bias[:, 0].double().sum(-1).tolist()")
    row = stage.root.locator(".bbp-trace:not(.bbp-signal-input):visible").nth(1).locator(".frame")
    for word in (0, 4):
        stage.point(row, (word + 0.5) / 7, 0.5)
        assert close(stage.reading_of(1), bias[word], 6e-3)
    stage.walk("ArrowLeft", "ArrowLeft", "ArrowLeft")
    assert "of 1 × 7" in stage.root.locator(".bbp-atlas h4").inner_text()
    assert "mass on 7" in stage.root.locator(".bbp-signal-input .limits").inner_text()
    stage.walk("End")
    assert "24 channels of 1 × 7" in stage.root.locator(".bbp-atlas h4").inner_text()
    assert violations(stage) == []
    stage.picture("tokens-second")


def test_how_the_axes_are_read_is_said_where_only_a_linear_layer_tells(
    instead: Callable[[str], Stage],
) -> None:
    code = """
import torch, bbp_widgets as bbp
from torch import nn
torch.manual_seed(6)
network = nn.Sequential(nn.Linear(40, 16), nn.ReLU(), nn.Flatten(), nn.Linear(48, 3)).eval()
explorer = bbp.Explorer(network, torch.randn(1, 3, 40), target=0)
"""
    stage = instead(code)
    said = stage.root.locator(".bbp-signal-input .laid")
    assert (
        said.inner_text() == "Read as 3 positions of 40 features: a linear layer mixes the last axis first."
    )
    flat = instead(
        code.replace(
            "nn.Linear(40, 16), nn.ReLU(), nn.Flatten(), nn.Linear(48, 3)", "nn.Flatten(), nn.Linear(120, 3)"
        )
    )
    said = flat.root.locator(".bbp-signal-input .laid")
    assert "does not tell which axis is which" in said.inner_text()
    assert violations(flat) == []
    flat.picture("axes-unknown")
