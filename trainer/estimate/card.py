"""Whether a run fits on its card beside the engine, before anything is loaded.

Counted from the recipe and the data, compared with what the card has free; the most cautious stage decides.
"""

import logging
from pathlib import Path

import torch
from transformers import AutoTokenizer

from trainer.estimate.forecast import find_largest
from trainer.estimate.memory import count_parameters, find_needs
from trainer.estimate.need import find_run_need
from trainer.objectives.arguments import build_method
from trainer.objectives.by_name import read_data
from trainer.recipes.recipe import Recipe

log = logging.getLogger(__name__)

MARGIN = 1.25  # forecasts were within a quarter of what was measured
CONTEXT = 2**30  # bytes that CUDA itself and its libraries take of a card for a process


def fits_beside(dataset: Path, base: Path, recipe: Recipe) -> bool:
    """Whether what is free of the card holds the run. True where the trainer uses no card."""
    if not torch.cuda.is_available():
        return True
    free, _ = torch.cuda.mem_get_info()
    needed = MARGIN * foresee_memory(dataset, base, recipe) + CONTEXT
    log.info("of the card %.1f GiB are free, and the run needs %.1f GiB", free / 2**30, needed / 2**30)
    return needed <= free


def foresee_memory(dataset: Path, base: Path, recipe: Recipe) -> int:
    """Bytes of the largest stage, each of which is taken to learn from all of the data."""
    tokenizer = AutoTokenizer.from_pretrained(base)
    memories = []
    for stage in recipe.list_stages() or [recipe]:
        examples = read_data(dataset, base, tokenizer, stage).found.examples
        needs = find_needs(count_parameters(base, build_method(base, stage), stage), stage.dtype)
        tokens = find_largest(examples, stage)
        memories.append(find_run_need(base, stage, needs, tokens=tokens, program=0, seconds=0.0).memory)
    return max(memories)
