"""The objective `choice`: examples, their loss, the noise in picks, the base's own log-probs."""
