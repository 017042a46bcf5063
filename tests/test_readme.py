"""The README's example runs as it stands; `test_figures.py` looks after its figures."""

from __future__ import annotations

import re
from pathlib import Path

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
