"""The embedded default: a grammar of support dialogues, the model built from it, and simulated people."""
