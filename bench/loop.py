"""The whole circle over three simulated nights: support rate of each night's adapter on fresh sets, and
what it broke.

    python -m bench.loop [--nights 3] [--sets 300]

Starts a Rejoinder of its own and plays `demo.simulate` against it. Takes about ten minutes a night on two
cores.
"""

import argparse
import tempfile
from pathlib import Path

from bench.instance import running_service
from bench.report import print_report
from demo.samples import count_broken
from demo.simulate import Progress, run_simulation
from serving.client.endpoint import read_endpoints
from serving.client.fleet import Fleet
from serving.settings import ServingSettings

SAMPLED = 1000


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--nights", type=int, default=3, help="nights played  [default: 3]")
    parser.add_argument("--sets", type=int, default=300, help="sets of each night  [default: 300]")
    parser.add_argument("--seed", type=int, default=1, help="of customers and agents  [default: 1]")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, running_service(Path(folder) / "var") as service:
        simulation = run_simulation(
            url=service.url,
            token=service.token,
            nights=asked.nights,
            sets=asked.sets,
            seed=asked.seed,
            workers=4,
            on_progress=show,
        )
        settings = ServingSettings(data_dir=service.data_dir)
        fleet = Fleet.from_endpoints(read_endpoints(settings, service.data_dir), settings)
        tuned = next(
            (n.adapter for n in reversed(simulation.nights) if n.adapter in fleet.list_models()), None
        )
        broken = count_broken(fleet, settings, [fleet.base_name, *([tuned] if tuned else [])], SAMPLED)
    figures: dict[str, float | int | None] = {}
    for night in simulation.nights:
        report = night.run.get("report") or {}
        figures[f"support_night_{night.number}"] = night.support["rate"] if night.support else None
        figures[f"kl_night_{night.number}"] = report.get("kl_to_base")
        figures[f"shift_night_{night.number}"] = report.get("chosen_shift")
    base = broken[fleet.base_name]
    figures["broken_greedy"] = broken[tuned].greedy if tuned else None
    figures["broken_excess"] = broken[tuned].share - base.share if tuned else None
    figures["broken_base"] = base.share
    print_report(
        "loop",
        figures,
        notes={
            "kl_night_1": "nats per token to base, on held-out prompts",
            "shift_night_1": "nats that the picked replies of held-out choices gained over base",
            "broken_greedy": "broken greedy replies of the last adapter to the 50 fixed prompts",
            "broken_excess": f"share broken of {SAMPLED} sampled replies, minus base's",
        },
    )


def show(progress: Progress) -> None:
    print(f"night {progress.night}: {progress.step} {progress.done:g} of {progress.total:g}", flush=True)


if __name__ == "__main__":
    main()
