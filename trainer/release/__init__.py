"""From an adapter that passed the gate to one that serves: files, model card, probe, canary."""
