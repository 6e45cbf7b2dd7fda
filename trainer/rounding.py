"""How far rounding alone may carry the log-probability of a reply when the same model reads it twice, in rows
of another shape. What lies beyond is another model, another mask or another reference.
"""

EXACT = 1e-3  # nats per reply, float32
HALF = 2e-2  # nats per token in bfloat16; a wrong mask is about 0.3
FEWEST = 8  # tokens: the errors of a long reply cancel out in part, those of a short one need not


def find_tolerance(tokens: int, *, exact: bool) -> float:
    """Nats for a reply of so many tokens; `exact` where weights and products are float32."""
    return EXACT if exact else HALF * max(tokens, FEWEST)
