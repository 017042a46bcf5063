"""The worker and the shelf of recent things: newest wins, nothing is left behind."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from bbp_widgets.widgets.films import Recent
from bbp_widgets.widgets.worker import Worker

#: Far longer than any of it takes.
LONG = 10.0


def threads_of(name: str) -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == name]


def gone(name: str) -> bool:
    end = time.monotonic() + LONG
    while threads_of(name) and time.monotonic() < end:
        time.sleep(0.001)
    return not threads_of(name)


def test_a_job_runs_in_a_thread_that_ends() -> None:
    worker, seen = Worker("once"), list[str]()
    assert worker.wait(0)
    worker.submit(lambda cancelled: seen.append(threading.current_thread().name))
    assert worker.wait(LONG)
    assert seen == ["once"]
    assert gone("once")
    worker.submit(lambda cancelled: seen.append("again"))
    assert worker.wait(LONG)
    assert seen == ["once", "again"]
    assert gone("once")


def waiting(name: str, started: threading.Event, done: list[str]) -> Callable[[threading.Event], None]:
    """Return a job that waits until it is cancelled."""

    def job(cancelled: threading.Event) -> None:
        started.set()
        done.append(f"{name} {cancelled.wait(LONG)}")

    return job


def test_the_newest_job_cancels_the_running_one_and_replaces_the_waiting_one() -> None:
    worker, started, done = Worker("newest"), threading.Event(), list[str]()
    worker.submit(waiting("first", started, done))
    assert started.wait(LONG)
    assert not worker.wait(0)
    release = threading.Event()

    def slow(cancelled: threading.Event) -> None:
        release.wait(LONG)
        done.append(f"slow {cancelled.is_set()}")

    worker.submit(slow)
    worker.submit(lambda cancelled: done.append(f"last {cancelled.is_set()}"))
    release.set()
    assert worker.wait(LONG)
    assert done[0] == "first True"
    assert done[-1] == "last False"
    assert len(threads_of("newest")) <= 1
    assert gone("newest")


def test_many_submissions_run_the_last_one() -> None:
    worker, seen = Worker("many"), list[int]()
    for i in range(200):
        worker.submit(lambda cancelled, i=i: seen.append(i))  # type: ignore[misc]
    assert worker.wait(LONG)
    assert seen[-1] == 199
    assert seen == sorted(seen)


def test_cancel_stops_the_running_job_and_drops_the_waiting_one() -> None:
    worker, started, done = Worker("cancel"), threading.Event(), list[str]()
    hold = threading.Event()

    def stubborn(cancelled: threading.Event) -> None:
        started.set()
        hold.wait(LONG)
        done.append(f"stubborn {cancelled.is_set()}")

    worker.submit(stubborn)
    assert started.wait(LONG)
    worker.submit(lambda cancelled: done.append("never"))
    worker.cancel()
    hold.set()
    assert worker.wait(LONG)
    assert done == ["stubborn True"]
    worker.cancel()  # nothing to do is no error
    worker.submit(lambda cancelled: done.append(f"after {cancelled.is_set()}"))
    assert worker.wait(LONG)
    assert done[-1] == "after False"
    assert gone("cancel")


def test_a_job_of_another_slot_waits_its_turn_and_stops_nothing() -> None:
    worker, started, done = Worker("slots", first="films"), threading.Event(), list[str]()
    hold = threading.Event()

    def film(cancelled: threading.Event) -> None:
        started.set()
        hold.wait(LONG)
        done.append(f"film {cancelled.is_set()}")

    worker.submit(film, "films")
    assert started.wait(LONG)
    worker.submit(lambda cancelled: done.append("old unit"), "unit")
    worker.submit(lambda cancelled: done.append("parts"), "parts")
    worker.submit(lambda cancelled: done.append("unit"), "unit")
    worker.submit(lambda cancelled: done.append("film again"), "films")
    hold.set()
    assert worker.wait(LONG)
    assert done == ["film True", "film again", "parts", "unit"]
    assert gone("slots")


def test_of_many_that_wait_the_oldest_are_dropped() -> None:
    worker, started, done = Worker("many slots", first="films", most=3), threading.Event(), list[str]()
    hold = threading.Event()
    worker.submit(lambda cancelled: (started.set(), hold.wait(LONG)), "films")  # type: ignore[arg-type,return-value]
    assert started.wait(LONG)
    worker.submit(lambda cancelled: done.append("film"), "films")
    for i in range(6):
        worker.submit(lambda cancelled, i=i: done.append(str(i)), i)  # type: ignore[misc]
    hold.set()
    assert worker.wait(LONG)
    assert done == ["film", "4", "5"]


def test_a_job_does_not_wait_for_itself() -> None:
    worker, seen = Worker("itself"), list[bool]()
    worker.submit(lambda cancelled: seen.append(worker.wait(LONG)))
    assert worker.wait(LONG)
    assert seen == [False]


def test_cancel_by_slot_leaves_the_others() -> None:
    worker, started, done = Worker("by slot"), threading.Event(), list[str]()
    worker.submit(waiting("film", started, done), "films")
    assert started.wait(LONG)
    worker.submit(lambda cancelled: done.append("unit"), "unit")
    worker.submit(lambda cancelled: done.append("parts"), "parts")
    worker.cancel("films", "parts")
    assert worker.wait(LONG)
    assert done == ["film True", "unit"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_a_job_that_raises_is_the_end_of_that_job_only(error: type[BaseException]) -> None:
    worker, seen = Worker("raises"), list[str]()

    def broken(cancelled: threading.Event) -> None:
        raise error("no good")

    worker.submit(broken)
    assert worker.wait(LONG)
    assert gone("raises")
    worker.submit(lambda cancelled: seen.append("next"))
    assert worker.wait(LONG)
    assert seen == ["next"]


def test_the_newest_are_kept_up_to_a_size() -> None:
    recent: Recent[str] = Recent(10, len)
    for word in ("four", "five", "six"):
        assert recent.put(word, word) == word
    assert [recent.get(word) for word in ("four", "five", "six")] == [None, "five", "six"]
    assert recent.get("five") == "five"  # used, so newest
    recent.put("seven", "seven")
    assert [recent.get(word) for word in ("five", "six", "seven")] == ["five", None, "seven"]


def test_the_newest_is_kept_even_where_it_is_too_large() -> None:
    recent: Recent[str] = Recent(3, len)
    recent.put("a", "a")
    recent.put("b", "far too long")
    assert recent.get("a") is None
    assert recent.get("b") == "far too long"
    recent.put("b", "b")  # replaced, not added
    recent.put("c", "c")
    assert (recent.get("b"), recent.get("c")) == ("b", "c")
    recent.clear()
    assert recent.get("c") is None
