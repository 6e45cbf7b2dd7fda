"""Records as the trainer reads them: token ids, pairs, held-out choices, and the bias of a slot."""
