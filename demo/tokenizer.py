"""Builds the demo tokenizer from the grammar: whole words, products and digit groups are single tokens.

A small model copies one or two tokens reliably, but rarely five separate digits. So an order number is a
letter pair and a group of three digits, and a product is one token. Everything else falls back to bytes, so
every text can be encoded. Run through `python -m demo.build`.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from demo import phrases, systems
from demo.intents import ASK, INTENTS, STYLES
from demo.slots import CITIES, DAYS, LANGUAGES, NAMES, ORDER_PREFIXES, PRODUCTS, WEEKDAYS, Language
from demo.template import expand

END_OF_TEXT, START, END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
FALLBACK_MERGES = 320  # pieces for words outside the grammar
CHAT_TEMPLATE = (
    "{%- for message in messages -%}"
    "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\\n' }}{%- endif -%}"
)


def _templates(language: Language) -> Iterator[str]:
    for intent in (*INTENTS, ASK):
        side = intent.side(language)
        yield from side.opens
        for style in STYLES:
            yield from side.replies(style)
    for table in (phrases.SORRY_LEADS, phrases.GLAD_LEADS, phrases.CUSTOMER_LEADS, phrases.CUSTOMER_TAILS):
        yield from table[language]
    for styles in (phrases.LEADS, phrases.TAILS):
        for style in STYLES:
            yield from styles[language][style]
    for table in (systems.SYSTEM_PROMPTS, systems.HEADINGS):
        yield from table[language]
    for title, text in systems.FACTS[language]:
        yield from (title, text)


def _texts() -> Iterator[str]:
    """Every wording of the grammar, as written and without its initial capital, slots left out."""
    for language in LANGUAGES:
        for template in _templates(language):
            for phrase in expand(template):
                for part in re.split(r"<\w+>", phrase.text):
                    yield part
                    yield f" {part}"
                yield phrase.text[:1].lower() + re.sub(r"<\w+>.*", "", phrase.text[1:])
    yield from ("user", "assistant", "system", "\n", " ", "\n\n", "- ", "* ")


def _items() -> list[str]:
    """Slot values that are one token each; English ones include the space before them."""
    items: list[str] = []
    for table in (PRODUCTS, NAMES, CITIES, WEEKDAYS):
        items += [f" {value}" for value in table["en"]] + list(table["zh"])
    return items + [word for days in DAYS.values() for word in days]


def _chinese_words() -> list[str]:
    """Pairs of characters that mostly occur together: segmentation good enough for a closed grammar."""
    singles: Counter[str] = Counter()
    couples: Counter[str] = Counter()
    for template in _templates("zh"):
        for run in re.findall(r"[\u4e00-\u9fff]+", template):
            singles.update(run)
            couples.update(run[i : i + 2] for i in range(len(run) - 1))
    kept = {c for c, n in couples.items() if n >= 3 and n >= 0.4 * min(singles[c[0]], singles[c[1]])}
    return sorted(kept, key=lambda couple: (-couples[couple], couple))


def _pre_tokenizer() -> pre_tokenizers.PreTokenizer:
    english = sorted(PRODUCTS["en"], key=len, reverse=True)
    closed = {value for table in (PRODUCTS, NAMES, CITIES, WEEKDAYS) for value in table["zh"]}
    chinese = [*sorted(closed, key=lambda value: (-len(value), value)), *_chinese_words()]
    pattern = "|".join(
        (
            r"[A-Z]{2}-(?=\d)",
            r"\d{1,3}",
            rf" ?(?:{'|'.join(english)})(?![A-Za-z])",
            "|".join(chinese),
            r"\p{Han}",
            r" ?(?![A-Z]{2}-\d)[A-Za-z]+(?:'[a-z]+)?",  # an order number keeps its space apart
            r" ?[^\sA-Za-z\d\p{Han}]",
            r"\s",
        )
    )
    return pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(pattern), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )


def build_tokenizer() -> Tokenizer:
    """Builds the tokenizer, always with equal results, since nothing is random."""
    pre = _pre_tokenizer()
    counts: Counter[str] = Counter()
    for text in _texts():
        counts.update(piece for piece, _ in pre.pre_tokenize_str(text))
    words = [*(f"{prefix}-" for prefix in ORDER_PREFIXES), *(f"{n:03d}" for n in range(1000))]
    words += [*(f"{n:02d}" for n in range(100)), *map(str, range(10))]
    pieces = [
        piece
        for text in (*words, *_items())
        for piece, _ in pre.pre_tokenize_str(text + "0" * text.endswith("-"))
    ]
    fallback = Tokenizer(models.BPE())
    trainer = trainers.BpeTrainer(
        vocab_size=256 + FALLBACK_MERGES,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    fallback.train_from_iterator((piece for piece, n in sorted(counts.items()) for _ in range(n)), trainer)
    learnt = json.loads(fallback.to_str())["model"]
    vocab: dict[str, int] = {}
    for token in (*learnt["vocab"], *pieces, *sorted(counts)):
        vocab.setdefault(token, len(vocab))
    merges = [tuple(merge) for merge in learnt["merges"]]
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=merges, ignore_merges=True))
    tokenizer.pre_tokenizer = pre
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in (END_OF_TEXT, START, END)])
    return tokenizer


def save_tokenizer(tokenizer: Tokenizer, target: Path) -> None:
    """Writes the files that transformers and vLLM read, with the chat template."""
    tokenizer.save(str(target / "tokenizer.json"))
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": END,
        "pad_token": END_OF_TEXT,
        "model_max_length": 1024,
        "clean_up_tokenization_spaces": False,
        "padding_side": "left",
    }
    (target / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n")
    (target / "chat_template.jinja").write_text(CHAT_TEMPLATE)
