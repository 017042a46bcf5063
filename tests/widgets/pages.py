"""What the tests need of a page: what it was sent, what it says, and networks that can be held up."""

from __future__ import annotations

import itertools
import json
import re
import threading
import time
from collections.abc import Sequence
from typing import Any

import torch
from engine.nets import Residual, randomized
from torch import Tensor, nn

import bbp_widgets as bbp
from bbp_widgets.views import unpack

LONG = 30.0
EVIL = "<img src=x onerror=alert(1)>"
CLASSES = ["ant", "bee", "cat", "dog", EVIL]


def pictures(samples: int = 4) -> Tensor:
    return torch.randn(samples, 3, 8, 8, generator=torch.Generator().manual_seed(5))


class Gated(nn.Module):
    """Runs when its gate is open, and tells when it has come to it."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = randomized(Residual())
        self.gate, self.entered = threading.Event(), threading.Event()
        self.gate.set()
        self.count = itertools.count()  # no attribute of ours: what a run writes there is undone
        self.eval()

    @property
    def runs(self) -> int:
        return int(re.findall(r"\d+", repr(self.count))[0])

    def forward(self, x: Tensor) -> Tensor:
        next(self.count)
        self.entered.set()
        assert self.gate.wait(LONG)
        return self.inner(x)

    def shut(self) -> None:
        self.entered.clear()
        self.gate.clear()


class Page:
    """A page without a browser: hears what the stage sends, and says what a page says."""

    def __init__(self, explorer: bbp.Explorer) -> None:
        self.explorer, self.stage = explorer, explorer.stage
        self.said: list[tuple[dict[str, Any], list[bytes]]] = []
        send = self.stage.send

        def hear(content: dict[str, Any], buffers: Sequence[bytes] | None = None) -> None:
            json.dumps(content, allow_nan=False)
            self.said.append((content, [bytes(buffer) for buffer in buffers or ()]))
            send(content, buffers)

        self.stage.send = hear

    def say(self, content: Any, *buffers: bytes) -> None:
        data = {"method": "custom", "content": content}
        self.stage._handle_msg({"content": {"data": data}, "buffers": list(buffers)})

    def films(self, part: str | None = "whole") -> list[dict[str, Any]]:
        """Return the headers of the films that came, in order."""
        headers = [unpack(buffers[0])[0] for content, buffers in self.said if content["type"] == "film"]
        return [header for header in headers if part in (None, header["part"])]

    def answers(self) -> list[tuple[int | None, int]]:
        """Return which request, and which of its lanes, each film answers."""
        return [(film["answers"], film["lane"]) for film in self.films()]

    def replies(self, kind: str) -> list[dict[str, Any]]:
        return [content for content, _ in self.said if content["type"] == kind]

    def request(self, seq: int, **changes: Any) -> None:
        self.stage.set_state({"request": {"seq": seq, **question(**changes)}})

    def answered(self, seq: int, **changes: Any) -> dict[str, Any]:
        """Ask as the page does, and return the header of the last film that came."""
        self.request(seq, **changes)
        assert self.explorer.wait(LONG)
        assert self.stage.error == {}
        return self.films()[-1]

    def ask(self, seq: int, **content: Any) -> dict[str, Any]:
        """Ask for a detail; return its header, or the error."""
        self.say({"type": "ask", "seq": seq, "question": content})
        assert self.explorer.wait(LONG)
        message, buffers = next(
            (content, buffers) for content, buffers in reversed(self.said) if content.get("seq") == seq
        )
        assert message["type"] == "detail"
        assert ("error" in message) == (not buffers)
        return message["error"] if "error" in message else unpack(buffers[0])[0]


def lane(rule: str = "proportional", plan: dict[str, Any] | None = None, **parameters: Any) -> dict[str, Any]:
    return {"rule": rule, "parameters": parameters, "plan": plan or {}}


#: Three lanes of different rules.
THREE = [lane("uniform"), lane("softmax", temperature=0.5), lane("winner")]


def state(**changes: Any) -> dict[str, Any]:
    """Return the question that a film answers, as its header has it."""
    return {
        "sample": 0, "target": None, "versus": None, "rule": "proportional", "parameters": {"power": 1.0}, "plan": {},
        **changes,
    }  # fmt: skip


def question(**changes: Any) -> dict[str, Any]:
    """Return what a page asks; ``rule`` and ``parameters`` are those of a single lane."""
    one = {name: changes.pop(name) for name in ("rule", "parameters", "plan") if name in changes}
    lanes = [{**lane(), **one}]
    return {"sample": 0, "target": None, "versus": None, "lanes": lanes, **changes}


def workers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("bbp-explorer")]


def no_workers() -> bool:
    end = time.monotonic() + LONG
    while workers() and time.monotonic() < end:
        time.sleep(0.001)
    return not workers()
