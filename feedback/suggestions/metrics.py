"""Metrics of the running process for Prometheus, with the prefix `rejoinder_`.

`/metrics` needs no token, so no metric distinguishes arms, adapters, people or texts. Opens nothing; each
object has a registry of its own.
"""

from prometheus_client import CollectorRegistry, Counter, Histogram

from feedback.suggestions.generation import GeneratedSet

SECONDS = (0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60)


class SetMetrics:
    """Counts the sets that this process prepared by their outcome."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._sets = Counter(
            "rejoinder_sets", "Prepared sets by the state they reached", ["state"], registry=self.registry
        )
        self._seconds = Histogram(
            "rejoinder_set_seconds",
            "Seconds from taking a turn up to its set being written",
            buckets=SECONDS,
            registry=self.registry,
        )
        self._resamples = Counter(
            "rejoinder_redraws",
            "Replies generated again since their text stood twice, was empty or cut off",
            registry=self.registry,
        )
        self._unavailable = Counter(
            "rejoinder_candidates_unavailable",
            "Replies that could not be shown, by reason",
            ["reason"],
            registry=self.registry,
        )

    def count(self, state: str, generated: GeneratedSet, seconds: float) -> None:
        self._sets.labels(state).inc()
        self._seconds.observe(seconds)
        self._resamples.inc(sum(len(request.replaces) for request in generated.requests))
        for reply in generated.replies:
            if reply.reason is not None:
                self._unavailable.labels(reply.reason).inc()
