"""The nightly job: when a run starts, who executes it, its five steps, and who is told."""
