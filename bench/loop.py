"""The whole feedback loop over three simulated nights and several seeds: the support rate of each night's
adapter on new sets, its broken replies, and the gate's decision.

    python -m bench.loop [--nights 3] [--sets 300] [--seed 1] [--seeds 1] [--keep FOLDER]

Starts a separate Rejoinder for each seed and runs `demo.simulate` against it: five minutes a night on two
idle cores. `--keep` saves each night's training data in a folder, for `python -m bench.recipes --kept`.
"""

import argparse
import tempfile
from pathlib import Path

from rich.console import Console

from bench.instance import Service, running_service
from bench.kept import keep_night
from bench.nights import LastAdapter, Played, find_figures, tabulate_nights
from bench.report import make_parser, print_report
from demo.samples import count_broken
from demo.simulate import Night, NightProgress, Serving, run_simulation
from serving.client.endpoint import read_endpoints
from serving.client.fleet import Fleet
from serving.settings import ServingSettings

SAMPLED = 1000
NOTES = {
    "support_night_1": "mean over the seeds whose adapter passed; _seed_1 and so on: each",
    "kl_night_1": "nats per token to base, on held-out prompts; mean over seeds",
    "shift_night_1": "nats that the picked replies of held-out choices gained over base; mean over seeds",
    "refused_nights": "nights of all seeds whose adapter did not pass the gate",
    "broken_greedy": "broken greedy replies of the last adapter to the 50 fixed prompts, the worst seed",
    "broken_excess": f"share broken of {SAMPLED} sampled replies, minus base's; mean over seeds",
    "broken_base": "base's share; mean over seeds",
}


def main() -> None:
    parser = make_parser(__doc__)
    parser.add_argument("--nights", type=int, default=3, help="nights played  [default: 3]")
    parser.add_argument("--sets", type=int, default=300, help="sets of each night  [default: 300]")
    parser.add_argument("--seed", type=int, default=1, help="of customers and agents  [default: 1]")
    parser.add_argument("--seeds", type=int, default=1, help="this many, from --seed on  [default: 1]")
    parser.add_argument("--keep", type=Path, help="folder for what each night trained on")
    asked = parser.parse_args()
    played = []
    for seed in range(asked.seed, asked.seed + asked.seeds):
        played.append(play(seed, asked))
        Console(width=200).print(tabulate_nights(played))
    print_report("loop", find_figures(played), notes=NOTES)


def play(seed: int, asked: argparse.Namespace) -> Played:
    """Runs all nights of one seed against a separate service."""
    with tempfile.TemporaryDirectory() as folder, running_service(Path(folder) / "var") as service:
        before = Serving(live=None, canary=None)

        def keep(night: Night) -> None:
            nonlocal before
            if asked.keep is not None:
                keep_night(asked.keep, service, seed, night, before)
            before = night.serving

        played = run_simulation(
            url=service.url,
            token=service.token,
            nights=asked.nights,
            sets=asked.sets,
            seed=seed,
            workers=4,
            on_progress=show_loop,
            on_night=keep,
        )
        return Played(seed, played, measure_last(service, played))


def measure_last(service: Service, nights: list[Night]) -> LastAdapter | None:
    """Counts broken replies of the last adapter that the engine still has loaded; None if it has none."""
    settings = ServingSettings(data_dir=service.data_dir)
    fleet = Fleet.from_endpoints(read_endpoints(settings, service.data_dir), settings)
    loaded = fleet.list_models()
    tuned = next((n.adapter for n in reversed(nights) if n.adapter in loaded), None)
    if tuned is None:
        return None
    broken = count_broken(fleet, settings, [fleet.base_name, tuned], SAMPLED)
    return LastAdapter(broken[tuned].greedy, broken[tuned].share, broken[fleet.base_name].share)


def show_loop(progress: NightProgress) -> None:
    print(f"night {progress.night}: {progress.step} {progress.done:g} of {progress.total:g}", flush=True)


if __name__ == "__main__":
    main()
