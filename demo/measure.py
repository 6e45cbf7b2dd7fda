"""Measures the demo model on conversations it has never seen, and prints a table and one JSON line.

    python -m demo.measure [--model DIR] [--prompts 200] [--show 10]

Broken means not a complete reply in the customer's language and on the customer's intent
(`demo.grammar.is_broken`).
"""

import argparse
import json
import statistics
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from demo.build import MODEL_DIR
from demo.grammar import Message, copied_share, is_broken, named_items, parse_conversation, parse_reply
from demo.intents import STYLES
from demo.prompts import FIXED_PROMPTS, fresh_prompts
from trainer.data.tokens import encode_prompt
from trainer.evaluation.scoring import Scorer

SEED = 77
MAX_TOKENS = 96
SYSTEM = (
    "You are a customer support assistant. Answer in the language of the customer, briefly and concretely."
)


def with_system(prompt: Sequence[Message]) -> list[Message]:
    return [{"role": "system", "content": SYSTEM}, *prompt]


def measure_copying(replies: Sequence[str], prompts: Sequence[Sequence[Message]]) -> tuple[int, int]:
    """How many named products and order numbers are the customer's own, and how many are named."""
    own = named = 0
    for text, prompt in zip(replies, prompts, strict=True):
        count = len(named_items(text))
        named += count
        own += round((copied_share(text, prompt) or 0.0) * count)
    return own, named


def measure_broken(replies: Sequence[str], prompts: Sequence[Sequence[Message]]) -> int:
    return sum(is_broken(text, prompt) for text, prompt in zip(replies, prompts, strict=True))


def sample_replies(
    scorer: Scorer, prompts: Sequence[Sequence[Message]], *, temperature: float, seed: int = 0
) -> list[str]:
    """One reply per prompt, greedy at temperature 0."""
    ids = [encode_prompt(scorer.tokenizer, prompt, {}) for prompt in prompts]
    generated = scorer.generate(ids, None, max_new_tokens=MAX_TOKENS, temperature=temperature, seed=seed)
    return [reply.text for (reply,) in generated]


def measure_model(scorer: Scorer, n: int, *, show: int = 0) -> dict[str, float]:
    """All figures of a model; shares are between 0 and 1."""
    prompts = fresh_prompts(n, SEED)
    first = sample_replies(scorer, prompts, temperature=0.8, seed=1)
    second = sample_replies(scorer, prompts, temperature=0.8, seed=2)
    guided = sample_replies(scorer, [with_system(prompt) for prompt in prompts], temperature=0.8, seed=3)
    greedy = sample_replies(scorer, FIXED_PROMPTS, temperature=0.0)
    crowd = [prompts[i] for i in range(0, n, max(1, n // 5)) for _ in range(40)]
    crowd_styles = [
        parsed.style
        for t, p in zip(sample_replies(scorer, crowd, temperature=0.8, seed=4), crowd, strict=True)
        if (parsed := parse_reply(t, p))
    ]
    everything = [*zip(first, prompts, strict=True), *zip(second, prompts, strict=True)]
    styles = Counter(parsed.style for text, prompt in everything if (parsed := parse_reply(text, prompt)))
    lengths = [len(scorer.tokenizer.encode(text)) for text, _ in everything]
    own, named = measure_copying([*first, *second], [*prompts, *prompts])
    chinese = [i for i in range(n) if parse_conversation(prompts[i]).language == "zh"]
    for text, prompt in [pair for pair in everything if is_broken(*pair)][:show]:
        print(f"broken: {text!r}\n   to {[message['content'] for message in prompt]}")
    figures = {
        "unbroken": 1 - measure_broken([*first, *second], [*prompts, *prompts]) / (2 * n),
        "unbroken_first_draw": 1 - measure_broken(first, prompts) / n,
        "unbroken_chinese": 1 - sum(is_broken(first[i], prompts[i]) for i in chinese) / len(chinese),
        "unbroken_with_system_prompt": 1 - measure_broken(guided, prompts) / n,
        "own_items": own / named,
        "items_named": named,
        "two_draws_differ": sum(a != b for a, b in zip(first, second, strict=True)) / n,
        "broken_greedy_fixed": measure_broken(greedy, FIXED_PROMPTS),
        "reply_tokens_median": statistics.median(lengths),
        "reply_tokens_low": sorted(lengths)[len(lengths) // 50],
        "reply_tokens_high": sorted(lengths)[-len(lengths) // 50],
        **{f"style_{style}": styles[style] / max(1, styles.total()) for style in STYLES},
        "style_same_prompt_lowest": min(Counter(crowd_styles).get(s, 0) for s in STYLES)
        / max(1, len(crowd_styles)),
    }
    return {name: round(value, 4) for name, value in figures.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--model", type=Path, default=MODEL_DIR)
    parser.add_argument("--prompts", type=int, default=200)
    parser.add_argument("--show", type=int, default=0, help="print this many broken replies")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    scorer = Scorer(options.model, threads=options.threads)
    figures = measure_model(scorer, options.prompts, show=options.show)
    for name, value in figures.items():
        print(f"{name:32} {value:10.4g}")
    print(json.dumps({"bench": "demo", "figures": figures}))


if __name__ == "__main__":
    main()
