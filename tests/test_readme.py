"""The README's example runs as it stands, and its figures are those of a run."""

from __future__ import annotations

import re
from pathlib import Path

import torch

import bbp_widgets as bbp

README = (Path(__file__).resolve().parent.parent / "README.md").read_text(encoding="utf-8")


def test_the_ten_lines_run() -> None:
    (example,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    names: dict[str, object] = {}
    exec(example, names)
    result, sharp = names["result"], names["sharp"]
    assert isinstance(result, bbp.Attribution)
    assert isinstance(sharp, bbp.Attribution)
    assert sharp.rule == bbp.rules.softmax(temperature=0.2)
    assert result.residual.abs().max() < 1e-4


def test_the_table_of_what_either_part_answers() -> None:
    for demo in (bbp.demo.shapes(), bbp.demo.digits()):
        inputs, labels = demo.held_out(400)
        right = [
            float((part.argmax(1) == labels).double().mean()) for part in bbp.decompose(demo.network, inputs)
        ]
        (row,) = re.findall(rf"\| the embedded `{demo.name}` .*", README)
        stated = [float(share) / 100 for share in re.findall(r"([\d.]+) %", row)[:3]]
        # half a percent of 400 pictures: a version of torch that rounds otherwise may move one or two of them
        torch.testing.assert_close(torch.tensor(right), torch.tensor(stated), rtol=0, atol=0.0051)
