"""How far rounding alone may move the log-probability of a reply when the same model reads it twice, in rows
of different shapes. A larger difference means another model, another mask or another reference.

A matrix product adds its terms in an order that depends on the shapes and on the processor, so two readings
agree to the bit only if shape, operation, processor and threads are the same. Otherwise each token adds its
own rounding error, and the bound grows with the length of the reply. Measured in float32 on SmolLM2-135M and
the demo model (one reply beside others in a row, and alone): at most 4.3e-6 nats a token with
MKL_CBWR=COMPATIBLE, 0 to the bit on processors whose products do not depend on the number of rows.
"""

SINGLE = 1e-5  # nats per token in float32
HALF = 2e-2  # nats per token in bfloat16; a wrong mask is about 0.3
FEWEST = 8  # tokens: the errors of a long reply cancel out in part, those of a short one need not


def find_tolerance(tokens: int, *, exact: bool) -> float:
    """The most nats that rounding explains for a reply of so many tokens. `exact`: all is float32."""
    return (SINGLE if exact else HALF) * max(tokens, FEWEST)
