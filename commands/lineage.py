"""`rejoinder lineage`: what an id is, what it came from, and what was made from it. It only reads."""

import click
from rich.console import Console
from rich.markup import escape
from rich.tree import Tree

from commands.errors import NothingToDo
from commands.frame import Frame, frame_options, json_option, print_json
from commands.store import open_store
from feedback.errors import NotFound
from feedback.lineage.find import IdAmbiguous, IdUnknown, find_ref
from feedback.lineage.graph import Direction, Graph, PathNode, Ref, TraceStep, lay_path, walk
from feedback.lineage.steps import Tracer, pick_key_facts, shorten_id, show_fact
from feedback.store.engine import read
from feedback.store.tables import DEFAULT_DESK

ARROWS: dict[Direction, str] = {"before": "↑", "after": "↓"}
NAMES = {"deployment": "serving interval", "rollout": "decision on picks"}
PIPE_WIDTH = 400


class WrongId(click.ClickException):
    """The id matches nothing, or several things. Exit code 2: the caller can correct it."""

    exit_code = 2


@click.command("lineage")
@frame_options
@click.argument("id")
@click.option("--back", "only", flag_value="before", help="Only what it came from.")
@click.option("--forward", "only", flag_value="after", help="Only what came of it.")
@json_option
def command(frame: Frame, id: str, only: Direction | None, as_json: bool) -> None:
    """Show where ID comes from and what came of it.

    ID is that of a message, judgement, set, record, dataset, run or adapter, the fencing token of a
    deployment, at least eight characters of its beginning, or an address `kind:id` as the answer writes it.
    With --back or --forward the exit code is 3 if nothing lies that way.

    \b
    rejoinder lineage tuned-20260101-1
    rejoinder lineage 3f2a91c0 --forward
    rejoinder lineage choice:star/star-1-e11 --json | jq '.steps[].kind'
    """
    directions: list[Direction] = [only] if only else ["before", "after"]
    graph = find_graph(frame, id, directions)
    start = graph.steps[graph.start]
    if as_json:
        print_json(graph.to_json())
    else:
        show_graph(graph, directions)
    if only and not start.towards(only) and not start.more(only):
        ends = {"after": "Nothing came of it yet.", "before": "Nothing lies before it: it begins here."}
        raise NothingToDo("" if as_json else ends[only])


def find_graph(frame: Frame, id: str, directions: list[Direction]) -> Graph:
    with open_store(frame) as engine:
        tracer = Tracer(engine, frame.data_dir, DEFAULT_DESK)
        try:
            with read(engine) as session:
                ref = find_ref(session, desk_id=DEFAULT_DESK, text=id)
            return walk(tracer.find_step, ref, directions)
        except (IdUnknown, IdAmbiguous, NotFound) as fault:
            raise WrongId(f"{fault.message}\n{fault.hint}") from fault


def show_graph(graph: Graph, directions: list[Direction]) -> None:
    console = Console(highlight=False)
    if not console.is_terminal:  # in a pipe lines must not be wrapped
        console = Console(highlight=False, width=PIPE_WIDTH)
    step = graph.steps[graph.start]
    console.print(format_step(graph.start, step), soft_wrap=True)
    for name, value in step.facts.items():
        console.print(f"  {name}: {show_fact(value)}", markup=False, soft_wrap=True)
    for direction, title in (("before", "What it came from"), ("after", "What came of it")):
        if direction in directions and (step.towards(direction) or step.more(direction)):
            console.print()
            console.print(draw_way(title, lay_path(graph, direction), direction))
    if graph.cut:
        console.print("There is more than is shown here: ask for one of the last steps.", style="yellow")


def draw_way(title: str, path: list[PathNode], direction: Direction) -> Tree:
    """Draws the path as a tree below its title, with a branch for each way."""
    tree = Tree(f"[underline]{title}[/]")
    start, *followers = path
    if followers:
        add_path(tree, followers, direction)
    else:
        add_forks(tree, start, direction)
    return tree


def add_path(tree: Tree, path: list[PathNode], direction: Direction) -> None:
    lines = (f"{ARROWS[direction]} {format_step(stop.ref, stop.step, stop.again)}" for stop in path)
    add_forks(tree.add("\n".join(lines)), path[-1], direction)


def add_forks(tree: Tree, stop: PathNode, direction: Direction) -> None:
    for fork in stop.forks:
        add_path(tree, fork, direction)
    if stop.more:
        tree.add(f"[dim]and {stop.more} more[/]")


def format_step(ref: Ref, step: TraceStep | None, again: bool = False) -> str:
    """One line of rich markup: kind, id, time and the most important facts of a step."""
    line = f"[bold]{NAMES.get(ref.kind, ref.kind)}[/] {escape(shorten_id(ref.id))}"
    if again:
        return f"{line} [dim](see there)[/]"
    if step is None:
        return line
    if step.at:
        line += f"  [dim]{step.at:%Y-%m-%d %H:%M}[/]"
    facts = (f"{name} {show_fact(value)}" for name, value in pick_key_facts(step).items())
    return f"{line}  {escape(' · '.join(facts))}"
