"""The built-in demo: a grammar of support dialogues, the model trained on it, and simulated people."""
