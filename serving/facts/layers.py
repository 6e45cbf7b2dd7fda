"""The linear layers of a base by its structure: weights of two dimensions inside its numbered blocks.

Read from the headers of its weight files. An adapter changes layers of the language model alone: no vision
tower, no router, no single expert. Whether the engine takes a layer is not known here.
"""

import math
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from serving.facts.config_files import EXPERTS, LAYERS, Json, find_number, take_text_part

Shapes = Mapping[str, tuple[int, ...]]
_BLOCK = re.compile(r"(?P<stack>[A-Za-z_][\w.]*?)\.(?P<number>\d+)\.(?P<inner>.+)\.weight")
TOWER = r"vision|visual|audio|image|tower|encoder|projector|speech"  # what names of towers hold
_EMBEDDING = re.compile(r"(^|\.)(embed_tokens|wte|embed_in|word_embeddings|embedding|tok_embeddings)\.weight")


@dataclass(frozen=True)
class LinearLayers:
    modules: tuple[str, ...]
    """Full names, as the files have them, of the layers of the language model that an adapter may change."""

    left_out: Mapping[str, str] = field(default_factory=dict)
    """Last names of layers that no adapter changes, and why: tower, expert, router or folded."""

    transposed: bool = False
    """Whether weights are stored as (in, out), as GPT-2 does: no adapter in the usual form fits them."""

    @property
    def names(self) -> tuple[str, ...]:
        """Last names, such as q_proj."""
        return tuple(sorted({module.rsplit(".", 1)[-1] for module in self.modules}))


def find_linear_layers(shapes: Shapes, config: Json) -> LinearLayers:
    """The linear layers of a base from the shapes of its weights."""
    text = take_text_part(config)
    experts, blocks = find_number(text, EXPERTS) or 0, find_number(text, LAYERS)
    stack = _choose_stack(shapes, blocks)
    taken: list[str] = []
    left_out: dict[str, str] = {}
    for name, shape in sorted(shapes.items()):
        found = _BLOCK.fullmatch(name)
        if found is None or len(shape) != 2:
            continue
        last = found["inner"].rsplit(".", 1)[-1]
        if found["stack"] != stack:
            left_out[last] = "tower"
        elif re.search(r"\.\d+\.", found["inner"]) or ".experts." in f".{found['inner']}.":
            left_out[last] = "expert"
        elif experts and shape[0] in (1, experts) and "att" not in found["inner"]:
            left_out[last] = "router"
        elif last == "kv_b_proj" and text.get("kv_lora_rank"):
            left_out[last] = "folded"  # engines multiply it into attention once, without an adapter's part
        elif blocks is None or int(found["number"]) < blocks:  # beyond: layers that only draft tokens
            taken.append(name.removesuffix(".weight"))
    # PEFT takes layers by their last names: one that experts have, too, would bring the experts with it.
    taken = [module for module in taken if left_out.get(module.rsplit(".", 1)[-1]) != "expert"]
    kept = {module.rsplit(".", 1)[-1] for module in taken}
    return LinearLayers(
        modules=tuple(taken),
        left_out={last: why for last, why in left_out.items() if last not in kept},
        transposed=any(_is_transposed(shapes, module) for module in taken),
    )


def count_embedding_rows(shapes: Shapes) -> int:
    """How many token ids the embedding has a row for; 0 if none of the weights is known as one."""
    rows = [shape[0] for name, shape in shapes.items() if _EMBEDDING.search(name) and len(shape) == 2]
    return max(rows, default=0)


def count_weights(shapes: Shapes) -> int:
    return sum(math.prod(shape) for shape in shapes.values())


def _choose_stack(shapes: Shapes, blocks: int | None) -> str | None:
    """The name before the block numbers of the language model.

    Of several stacks it is one that is not called after a tower, that has as many blocks as the
    configuration says, and that holds the most numbers.
    """
    numbers: dict[str, set[int]] = defaultdict(set)
    sizes: dict[str, int] = defaultdict(int)
    for name, shape in shapes.items():
        if (found := _BLOCK.fullmatch(name)) is not None:
            numbers[found["stack"]].add(int(found["number"]))
            sizes[found["stack"]] += math.prod(shape)

    def rank(stack: str) -> tuple[bool, bool, int]:
        return (
            not re.search(TOWER, stack, re.IGNORECASE),
            blocks is None or len(numbers[stack]) >= blocks,
            sizes[stack],
        )

    return max(sizes, key=rank, default=None)


def _is_transposed(shapes: Shapes, module: str) -> bool:
    weight, bias = shapes[f"{module}.weight"], shapes.get(f"{module}.bias")
    return bias is not None and weight[0] != bias[0] == weight[1]
