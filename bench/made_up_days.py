"""Simulated days of a desk, as the counts that the drift check reads; for `bench.drift`."""

from dataclasses import dataclass, field

import numpy as np

from feedback.drift.shift import Day, hit

WEEKDAYS = (1.1, 1.0, 1.0, 1.0, 1.1, 0.7, 0.6)  # conversations
WEEKEND = (5, 6)
BUSY = 0.15  # standard deviation of a day's conversations, as a part
AGENTS, TASTE = 8, 0.1
SUPPORT, DECIDED = 0.65, 0.5  # share of picks for the adapter; decided picks per conversation
DOWN, THUMBS = 0.1, 0.25
RESTLESS = 0.15  # standard deviation from day to day of the logit of a share
LENGTHS = {"replies": (320.0, 160.0), "customers": (110.0, 90.0)}  # mean and deviation
MESSAGES, ALIKE = 1.5, 1.5  # of a conversation; how many times the variance of independent messages
LENGTH_DAYS = 0.02
LANGUAGES = {"en": 0.8, "zh": 0.15, "de": 0.05}
TAGS = {"delivery": 0.3, "return": 0.2, "invoice": 0.1, "login": 0.05}
RARE_LANGUAGE, RARE_TAG = "de", "login"

Counts = dict[tuple[str, str | None], Day]


@dataclass(frozen=True)
class Plant:
    """A shift of a quantity: added to support, a factor of thumbs and lengths, the new share of others."""

    name: str
    size: float


@dataclass
class MadeUpDesk:
    rng: np.random.Generator
    per_day: int
    planted: int = 0  # conversations since the shift
    tastes: np.ndarray = field(init=False)
    away: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        tastes = self.rng.normal(0, TASTE, AGENTS)
        self.tastes = tastes - tastes.mean()
        self.away = np.zeros(AGENTS, dtype=int)  # remaining days of leave, by agent

    def draw_day(self, day: int, plant: Plant | None = None) -> Counts:
        rng, is_weekend = self.rng, day % 7 in WEEKEND
        busy = self.per_day * WEEKDAYS[day % 7] * np.exp(rng.normal(0, BUSY))
        count = max(1, int(rng.poisson(busy)))
        self.planted += count if plant is not None else 0
        sizes = {plant.name: plant.size} if plant is not None else {}
        found: Counts = {("support", None): self._draw_support(count, sizes.get("support", 0.0))}
        down = min(DOWN * sizes.get("thumbs", 1.0) + (0.02 if is_weekend else 0.0), 1.0)
        given = int(rng.binomial(count, THUMBS))
        found["thumbs", None] = hit(given, int(rng.binomial(given, self._stir(down))))
        for name, (mean, deviation) in LENGTHS.items():
            factor = sizes.get(name, 1.0) * (0.95 if is_weekend else 1.0)
            found[name, None] = self._draw_lengths(count, mean * factor, deviation * factor)
        shares = dict(LANGUAGES)
        if "language" in sizes:
            shares = {code: share * (1 - sizes["language"]) / 0.95 for code, share in shares.items()}
            shares[RARE_LANGUAGE] = sizes["language"]
        drawn = rng.multinomial(count, rng.dirichlet(300 * np.array(list(shares.values()))))
        found |= {("language", code): hit(count, int(n)) for code, n in zip(shares, drawn, strict=True)}
        for tag, share in TAGS.items():
            told = sizes.get("tag", share) if tag == RARE_TAG else share * (1.2 if is_weekend else 1.0)
            found["tag", tag] = hit(count, int(rng.binomial(count, self._stir(told))))
        return found

    def _stir(self, share: float) -> float:
        """The share on this day: the long-term share with random variation in its logit."""
        logit = np.log(share / (1 - share)) + self.rng.normal(0, RESTLESS)
        return float(1 / (1 + np.exp(-logit)))

    def _draw_support(self, count: int, points: float) -> Day:
        """Picks of the agents present: each has two days in seven off, and one in a hundred begins a week of
        leave.
        """
        rng = self.rng
        self.away = np.maximum(self.away - 1, 0)
        self.away[(self.away == 0) & (rng.random(AGENTS) < 0.01)] = 7
        is_here = (self.away == 0) & (rng.random(AGENTS) < 5 / 7)
        is_here[0] |= not is_here.any()
        picks = rng.multinomial(rng.binomial(count, DECIDED), is_here / is_here.sum())
        shares = np.clip([self._stir(SUPPORT + points)] * AGENTS + self.tastes, 0.02, 0.98)
        return hit(int(picks.sum()), int(rng.binomial(picks, shares).sum()))

    def _draw_lengths(self, count: int, mean: float, deviation: float) -> Day:
        rng, messages = self.rng, max(1, int(count * MESSAGES))
        mean *= np.exp(rng.normal(0, LENGTH_DAYS))
        total = rng.normal(messages * mean, deviation * np.sqrt(messages * ALIKE))
        return Day(messages, float(total), float(total**2 / messages + messages * deviation**2))
