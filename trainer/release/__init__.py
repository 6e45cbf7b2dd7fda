"""From a passed adapter to one that serves: files, card, probe, canary."""
