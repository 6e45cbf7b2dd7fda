"""The embedded default: a grammar of support dialogues, the small model built from it, and simulated people."""
