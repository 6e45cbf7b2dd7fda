"""What customers do after a reply, told from their next message by rules. It is shown, never trained on."""
