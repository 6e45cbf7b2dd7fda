"""Two nights on a real pretrained base, SmolLM2-135M, with simulated agents of a stated taste: short, polite,
concrete, no promise that nobody can keep (demo/plain_taste.py, docs/bases.md).

    python -m bench.real_base [--nights 2] [--sets 100] [--seed 1]

Fetches the base if it is not here (93 MB), starts a separate Rejoinder and plays the nights through HTTP; the
support rate of a night's adapter is measured on the sets of the next one. Two quiet cores take about half a
minute for two sets, so that a hundred take half an hour, and training and evaluation about as long again.
"""

import argparse
import tempfile
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rich.console import Console

from bench.instance import Service, running_service
from bench.loop import show_loop
from bench.nights import Played, tabulate_nights
from bench.report import FigureValues, make_parser, print_report
from demo.cast import PLAIN_CAST
from demo.plain_prompts import SYSTEM_PROMPT
from demo.pretrained import fetch_base
from demo.simulate import Night, run_simulation
from serving.base import PACKAGED_BASES

BASE = PACKAGED_BASES[0]
SETTINGS = {
    "REJOINDER_SERVING__BASE_MODEL": BASE,
    "REJOINDER_SERVING__PORT": "0",
    "REJOINDER_SERVING__MAX_TOKENS": "96",  # what the recipe measures
    "REJOINDER_FEEDBACK__POLICY": str(Path(__file__).with_suffix(".toml")),
    "REJOINDER_TRAINER__HARM_CHECK_S": "5",
}
NOTES = {
    "support_night_1": "share of the decided picks of the next night's sets that went to its adapter",
    "kl_to_base": "nats a token on held-out replies, of the last adapter that passed",
    "perplexity_ratio": "perplexity of general texts over base's, of the same",
    "broken_excess": "share broken of sampled replies to 50 fixed prompts, minus base's, of the same",
    "sets_a_night": "asked; those with a cut or equal reply are not counted in the support rate",
}


def main() -> None:
    parser = make_parser(__doc__)
    parser.add_argument("--nights", type=int, default=2, help="nights played  [default: 2]")
    parser.add_argument("--sets", type=int, default=100, help="sets of each night  [default: 100]")
    parser.add_argument("--seed", type=int, default=1, help="of customers and agents  [default: 1]")
    asked = parser.parse_args()
    fetch_base(BASE, say=lambda text: print(text, flush=True), stopping=threading.Event())
    nights = play_nights(asked)
    Console(width=200).print(tabulate_nights([Played(asked.seed, nights)]))
    print_report("real_base", find_base_figures(nights) | {"sets_a_night": asked.sets}, notes=NOTES)


def play_nights(asked: argparse.Namespace) -> list[Night]:
    with tempfile.TemporaryDirectory() as folder:
        with running_service(Path(folder) / "var", **SETTINGS) as service:
            set_system_prompt(service, SYSTEM_PROMPT)
            return run_simulation(
                url=service.url,
                token=service.token,
                nights=asked.nights,
                sets=asked.sets,
                seed=asked.seed,
                workers=4,
                on_progress=show_loop,
                cast=PLAIN_CAST,
            )


def set_system_prompt(service: Service, text: str) -> None:
    """Gives the desk its system prompt, from the next set on."""
    file = service.data_dir / "system_prompt.txt"
    file.write_text(text, encoding="utf-8")
    service.run("init", "--system-prompt", str(file))


def find_base_figures(nights: Iterable[Night]) -> FigureValues:
    """Support of each night, and what the last adapter that passed has cost. None: not measured."""
    found: FigureValues = {}
    passed: dict[str, Any] = {}
    for night in nights:
        found[f"support_night_{night.number}"] = night.support["rate"] if night.support else None
        if night.run["decision"] == "passed":
            passed = night.run["report"]
    replay, replies = passed.get("replay"), passed.get("replies")
    found["kl_to_base"] = passed.get("kl_to_base")
    found["perplexity_ratio"] = replay["perplexity"] / replay["perplexity_base"] if replay else None
    found["broken_excess"] = (
        replies["broken_sampled"] - replies["broken_sampled_base"] if replies is not None else None
    )
    return found


if __name__ == "__main__":
    main()
