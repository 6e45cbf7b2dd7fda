"""What the trainer does by itself: schedule, worker, the steps of a night, erasures and the webhook."""
