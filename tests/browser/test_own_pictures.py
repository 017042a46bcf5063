"""A picture of one's own: chosen, dropped, refused; explained as Python explains it."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browser.stage import Stage
from PIL import Image

DROP = """([root, name, type, text]) => {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File([bytes], name, { type }));
  for (const kind of ['dragenter', 'dragover', 'drop'])
    root.dispatchEvent(new DragEvent(kind, { dataTransfer, bubbles: true, cancelable: true }));
}"""


@pytest.fixture
def png(shapes: Any) -> tuple[bytes, float]:
    """A picture that the network has not seen, larger than it takes, and its largest score."""
    small = np.ascontiguousarray(shapes.pictures[5][:, ::-1])
    large = Image.fromarray(small).resize((192, 192), Image.Resampling.NEAREST)
    buffer = io.BytesIO()
    large.save(buffer, "PNG")
    seen = np.asarray(Image.open(io.BytesIO(buffer.getvalue())).convert("RGB").resize((64, 64)))
    return buffer.getvalue(), float(shapes.network(shapes.prepare(seen)).max())


def drop(stage: Stage, name: str, kind: str, data: bytes) -> None:
    text = base64.b64encode(data).decode("ascii")
    stage.page.evaluate(DROP, [stage.root.element_handle(), name, kind, text])


@pytest.mark.parametrize("by", ["keys", "pointer", "drop"])
def test_it_is_explained(
    stage: Stage, png: tuple[bytes, float], by: str, python: Any, tmp_path: Path
) -> None:
    data, score = png
    name = "<img src=x onerror=document.title='hacked'>.png"
    count = python("len(explorer.stage.setup['samples'])")
    if by == "drop":
        drop(stage, name, "image/png", data)
    else:
        with stage.page.expect_file_chooser() as chooser:
            if by == "pointer":
                stage.button("+ picture").click()
            else:
                stage.button("+ picture").focus()
                stage.press("Enter")
        chooser.value.set_files({"name": name, "mimeType": "image/png", "buffer": data})
    stage.wait_for_number("target", score)
    stage.wait_at_rest()
    assert python("explorer.sample") == count
    assert name in stage.root.locator(".bbp-picture .limits").inner_text()
    assert stage.page.locator("img[src=x]").count() == 0
    assert "hacked" not in stage.page.title()
    stage.picture("own-picture")


def test_what_is_no_picture_is_refused_in_words(stage: Stage) -> None:
    drop(stage, "notes.txt", "text/plain", b"no picture")
    refused = stage.root.locator(".refused")
    assert "notes.txt is not a picture" in refused.inner_text()
    drop(stage, "broken.png", "image/png", b"no picture either")
    stage.wait_until(
        "return root.querySelector('.refused').textContent.includes('broken.png cannot be read')"
    )
    drop(stage, "huge.png", "image/png", bytes(10_000_001))
    stage.wait_until("return root.querySelector('.refused').textContent.includes('at most 10 MB')")
