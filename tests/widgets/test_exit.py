"""Python ends while an explorer computes: nothing is left inside torch, and nobody waits for all the work."""

from __future__ import annotations

import subprocess
import sys

#: A minute of work on a slow machine. What is printed last is printed after the worker was stopped.
EXPLORER = """
import atexit, time

def told():
    from bbp_widgets.widgets import worker
    explorer.later(lambda: print("too late"), "told")
    print([film is None for film in explorer.films], explorer.wait(0), len(worker._LIVING))

atexit.register(told)

import torch
from torch import nn
import bbp_widgets as bbp

torch.set_num_threads(1)
layers = [layer for _ in range(30) for layer in (nn.Conv2d(32, 32, 3, padding=1), nn.ReLU())]
network = nn.Sequential(nn.Conv2d(3, 32, 3), *layers, nn.Flatten(), nn.LazyLinear(5)).eval()
picture = torch.rand(1, 3, 160, 160)
with torch.no_grad():
    network(picture)
explorer = bbp.Explorer(network, picture, lanes=[{"rule": rule} for rule in ("softmax", "aligned", "opposed")])
while not explorer.stage.progress:
    time.sleep(0.001)
"""
#: No film was finished, nothing is waited for, no thread lives.
STOPPED = "[True, True, True] True 0\n"
#: A job that looks at its event between two ops that take long, as the engine does.
WORKER = """
import sys, threading, torch
from bbp_widgets.widgets.worker import Worker

began = threading.Semaphore(0)

def job(cancelled):
    square = torch.rand(1500, 1500)
    began.release()
    while not cancelled.is_set():
        square = torch.nn.functional.normalize(square @ square)
    sys.stdout.write("stopped\\n")  # print writes its newline by itself, and the other worker may come between

workers = [Worker("one"), Worker("two")]
for worker in workers:
    worker.submit(job)
workers[0].submit(lambda cancelled: print("never"), "later")
for worker in workers:  # a job that has not begun is dropped, and says nothing
    began.acquire()
"""
#: What is said once the workers were stopped is said to nobody.
STAGE = """
import atexit

def told():
    stage.send({"type": "here"})
    stage.cancel = 2
    print(said)

atexit.register(told)

from bbp_widgets.widgets.stage import Stage

said = []
stage = Stage()
stage.comm.publish_msg = lambda kind, data=None, **rest: said.append(data.get("method"))
stage.send({"type": "here"})
stage.cancel = 1
"""


def ended(program: str, status: int = 0) -> str:
    """Run a program in a Python of its own; return what it printed. It must have nothing to complain of."""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (status, "")
    return done.stdout


def test_python_ends_while_an_explorer_computes() -> None:
    assert ended(EXPLORER) == STOPPED


def test_an_exit_status_is_kept_while_an_explorer_computes() -> None:
    assert ended(EXPLORER + "raise SystemExit(3)\n", 3) == STOPPED


def test_python_ends_while_workers_are_inside_torch() -> None:
    assert ended(WORKER) == "stopped\nstopped\n"


def test_nothing_is_said_to_a_page_once_python_ends() -> None:
    assert ended(STAGE) == "['custom', 'update']\n"
