"""The objective `choice`: examples of whole choices, their loss, the noise in picks, the base's own
log-probs.
"""
