"""The nightly job: a dataset becomes a LoRA adapter, is measured, judged by a gate and handed to serving."""
