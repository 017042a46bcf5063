"""What an explorer leaves behind: a page without a kernel, pictures, tables, and the still in a notebook."""

from __future__ import annotations

import base64
import gzip
import io
import json
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import pytest
import torch
import traitlets
from engine.nets import Residual, randomized
from PIL import Image
from torch import nn
from widgets.pages import CLASSES, EVIL, LONG, Page, lane, pictures

import bbp_widgets as bbp
from bbp_widgets.views import films_key, unpack
from bbp_widgets.widgets import still
from bbp_widgets.widgets.offline import OfflineView, offline_page

Make = Callable[..., bbp.Explorer]


def content(text: str) -> dict[str, Any]:
    """Return what a saved page holds."""
    (held,) = re.findall(r'<script type="application/json" id="page">(.*?)</script>', text, re.DOTALL)
    page: dict[str, Any] = json.loads(held)
    return page


def reel(text: str) -> tuple[dict[str, Any], list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the header of the reel in a page, and the headers of its films and details."""
    (view,) = content(text)["views"]
    header, body = unpack(gzip.decompress(base64.b64decode(view["bytes"]["kept"])))
    parts = [[unpack(body[at : at + size])[0] for at, size in header[name]] for name in ("films", "details")]
    return header, parts[0], parts[1]


def test_a_page_has_the_films_of_all_that_it_offers(make: Make, tmp_path: Path) -> None:
    explorer = make(classes=CLASSES, rules=["uniform", "proportional", "softmax"])
    explorer.state = {"lanes": [lane("softmax", temperature=0.5), lane("winner")], "lane": 1, "step": 4}
    path = explorer.save(tmp_path / "x.html", title="a <b> page")
    text = path.read_text("utf8")
    header, films, details = reel(text)
    assert header["look"] == explorer.state
    asked = [(film["state"]["rule"], film["state"]["parameters"].get("temperature")) for film in films]
    assert asked[0] == ("winner", None)  # the active one first
    assert sorted(asked, key=str) == sorted(
        [("winner", None), ("softmax", 0.5), ("uniform", None), ("proportional", None), ("softmax", 1.0)],
        key=str,
    )
    assert {film["part"] for film in films} == {"whole"}
    assert [film["lane"] for film in films[:2]] == [1, 0]
    assert "parts" in {detail["kind"] for detail in details}
    (view,) = content(text)["views"]
    assert view["traits"]["setup"] == {**explorer.stage.setup, "uploads": False, "offline": True}
    assert view["traits"]["put"]["look"] == explorer.state
    assert view["traits"]["look"] == view["traits"]["request"] == {}
    assert "<title>a &lt;b&gt; page</title>" in text
    assert explorer.stage.kept == b""


def test_a_page_has_the_equations_of_the_largest_units(make: Make, tmp_path: Path) -> None:
    explorer = make()
    assert explorer.film is not None
    kinds = [frame["tensor"]["kind"] for frame in explorer.film.header["frames"]]
    frame = kinds.index("maps")
    explorer.selection = {"frame": frame, "at": [1, 0, 1]}
    _, films, details = reel(explorer.save(tmp_path / "x.html", rules=[]).read_text("utf8"))
    units = [json.loads(detail["key"]) for detail in details if detail["kind"] == "unit"]
    stops = {stop["frame"] for stop in films[0]["levels"]["layers"][1:]}
    assert stops <= {unit["frame"] for unit in units}
    assert {"kind": "unit", "film": films[0]["key"], "frame": frame, "unit": [1, 0, 1]} in units


def test_a_page_may_have_more_samples_targets_and_rules(make: Make, tmp_path: Path) -> None:
    explorer = make()
    options = {
        "samples": [0, 2],
        "targets": [None, 3],
        "rules": ["uniform", bbp.rules.softmax(3.0), lane("winner")],
    }
    _, films, _ = reel(explorer.save(tmp_path / "x.html", **options).read_text("utf8"))
    states = [film["state"] for film in films]
    assert len(states) == 2 * 2 * 4
    assert {(state["sample"], state["target"]) for state in states} == {(0, None), (0, 3), (2, None), (2, 3)}
    assert len({films_key(state) for state in states}) == len(states)


def test_a_page_asks_no_network_and_no_name_ends_a_script(make: Make, tmp_path: Path) -> None:
    evil = "</script><script>alert(1)</script><!--"
    explorer = make(classes=["a", "b", evil, EVIL, "e"], labels=[evil] * 4, target=2)
    text = explorer.save(tmp_path / "x.html", rules=[], title=evil).read_text("utf8")
    assert len(re.findall("<script", text)) == len(re.findall("</script", text)) == 2
    assert "alert(1)</script>" not in text
    assert EVIL not in text
    assert "default-src 'none'" in text
    host = re.sub(r'<script type="application/json".*?</script>', "", text, flags=re.DOTALL)
    assert not re.findall(r"""(?:src|href)=["']?(?!data:)[a-z/]""", host)
    assert "http" not in host.replace("http-equiv", "")
    assert content(text)["views"][0]["traits"]["setup"]["classes"][2] == evil


def test_pictures_and_tables_are_saved(make: Make, tmp_path: Path) -> None:
    explorer = make(classes=CLASSES, rule="softmax")
    with Image.open(explorer.save(tmp_path / "x.PNG")) as png:
        assert png.format == "PNG"
    assert explorer.save(str(tmp_path / "x.svg")).read_text("utf8").startswith("<svg")
    lines = explorer.save(tmp_path / "x.csv").read_text("utf8").splitlines()
    assert len(lines) == len(explorer.attribution.ledger) + 1


def test_a_table_is_saved_with_its_features(make: Make, tmp_path: Path) -> None:
    network = randomized(nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)))
    explorer = make(network, torch.ones(2, 3), features=["a", EVIL, "c"])
    for kind in ("html", "png", "svg", "csv"):
        assert explorer.save(tmp_path / f"x.{kind}").stat().st_size > 100
    assert EVIL in (tmp_path / "x.csv").read_text("utf8")
    assert EVIL not in (tmp_path / "x.svg").read_text("utf8")


def test_what_cannot_be_saved_says_so(make: Make, tmp_path: Path) -> None:
    explorer = make()
    with pytest.raises(ValueError, match=r"\.html, \.png, \.svg, \.csv; got 'x\.pdf'"):
        explorer.save(tmp_path / "x.pdf")
    with pytest.raises(TypeError, match="'sample', perhaps 'samples' is meant"):
        explorer.save(tmp_path / "x.html", sample=[1])
    with pytest.raises(bbp.errors.BadInput, match="0 to 3"):
        explorer.save(tmp_path / "x.html", samples=[9])
    with pytest.raises(bbp.errors.UnknownRule, match="best"):
        explorer.save(tmp_path / "x.html", rules=["best"])
    explorer.target = 99
    with pytest.raises(bbp.errors.BadTarget):
        explorer.save(tmp_path / "x.html")
    assert list(tmp_path.iterdir()) == []


def test_any_widget_can_be_a_page() -> None:
    class Count(anywidget.AnyWidget):
        _esm = "export default { render({ model, el }) { el.textContent = model.get('value'); } }"
        _css = ".count { color: red }"
        value = traitlets.Int(3).tag(sync=True)
        data = traitlets.Bytes(b"\x00\x01").tag(sync=True)

    one, two = Count(), Count(value=4)
    page = content(offline_page([OfflineView.of(one), OfflineView.of(two, "b", value=5)]))
    assert len(page["modules"]) == len(page["styles"]) == 1
    assert [view["traits"]["value"] for view in page["views"]] == [3, 5]
    assert gzip.decompress(base64.b64decode(page["views"][0]["bytes"]["data"])) == b"\x00\x01"
    one.close()
    two.close()


# -- the notebook ------------------------------------------------------------------------------------------------


def test_a_saved_notebook_has_no_films_unless_they_are_kept(make: Make) -> None:
    network = randomized(Residual())
    explorer = make(network, lanes=["proportional", "softmax"])
    assert explorer.stage.kept == b""
    kept = make(network, lanes=["proportional", "softmax"], lane=1, keep_films=True)
    header, body = unpack(kept.stage.kept)
    films = [unpack(body[at : at + size])[0] for at, size in header["films"]]
    assert [(film["state"]["rule"], film["lane"]) for film in films] == [("softmax", 1), ("proportional", 0)]
    Page(kept).answered(1, sample=2, lanes=[lane("winner")])
    header, body = unpack(kept.stage.kept)
    assert [unpack(body[at : at + size])[0]["state"]["sample"] for at, size in header["films"]] == [2]
    assert header["look"]["sample"] == 2


def test_the_mime_bundle_has_the_widget_a_picture_and_words(make: Make) -> None:
    explorer = make(classes=CLASSES)
    bundle = explorer._repr_mimebundle_()
    assert bundle["application/vnd.jupyter.widget-view+json"]["model_id"] == explorer.model_id
    assert len(base64.b64decode(bundle["image/png"])) <= still.MOST_BYTES
    assert Image.open(io.BytesIO(base64.b64decode(bundle["image/png"]))).format == "PNG"
    words = bundle["text/plain"]
    assert words == repr(explorer)
    assert "Residual, 4 inputs, 1 of 4" in words
    assert "w·x" in words
    assert len(words) < 300


def test_a_still_is_small_whatever_it_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    noise = torch.randint(0, 255, (700, 900, 3), dtype=torch.uint8).numpy()
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, "PNG")
    assert len(buffer.getvalue()) > still.MOST_BYTES
    monkeypatch.setattr(still, "still_png", lambda attribution, **options: buffer.getvalue())
    small = still.small_png(None)  # type: ignore[arg-type]
    assert Image.open(io.BytesIO(small)).size == (450, 350)
    assert len(small) <= still.MOST_BYTES


class Shell:
    kernel = object()


def test_a_notebook_gets_a_still_below_the_widget(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[dict[str, Any]] = []

    class Handle:
        def update(self, bundle: dict[str, Any], raw: bool = False) -> None:
            shown.append(bundle)

    def display(bundle: dict[str, Any], **options: Any) -> Handle | None:
        shown.append(bundle)
        return Handle() if options.get("display_id") else None

    monkeypatch.setattr("IPython.display.display", display)
    monkeypatch.setattr("IPython.get_ipython", lambda: Shell())
    monkeypatch.setattr(still, "_REST", 0.0)
    explorer = make(classes=CLASSES)
    explorer._ipython_display_()
    end = time.monotonic() + LONG
    while len(shown) < 3 and time.monotonic() < end:
        time.sleep(0.01)
    widget, empty, first = shown[:3]
    assert widget["application/vnd.jupyter.widget-view+json"]["model_id"] == explorer.model_id
    assert "text/html" not in widget
    assert "<img" not in empty["text/html"]
    assert ".jupyter-widgets" not in empty["text/html"]  # nothing better to show than JupyterLab's error
    assert ".jupyter-widgets:not(:has(.lm-Widget))" in first["text/html"]
    assert '<img alt="Explorer(Residual' in first["text/html"]
    assert "data:image/png;base64," in first["text/html"]
    assert explorer.still.live_class in explorer._dom_classes
    assert f":root:has(.{explorer.still.live_class})" in first["text/html"]
    assert sum(len(part) for bundle in shown for part in bundle.values() if isinstance(part, str)) < 2_000_000


def test_a_terminal_gets_words(make: Make, capsys: pytest.CaptureFixture[str]) -> None:
    explorer = make()
    explorer._ipython_display_()
    assert capsys.readouterr().out == f"{explorer!r}\n"


def test_closing_leaves_no_timer() -> None:
    explorer = bbp.Explorer(randomized(Residual()), pictures())
    assert explorer.wait(LONG)
    explorer.still._handles.append(None)
    explorer.still.touch(60.0)
    assert [t for t in threading.enumerate() if t.name.startswith("bbp-explorer-still")]
    explorer.close()
    for thread in [t for t in threading.enumerate() if t.name.startswith("bbp-explorer-still")]:
        thread.join(LONG)
    assert not [t for t in threading.enumerate() if t.name.startswith("bbp-explorer-still")]
