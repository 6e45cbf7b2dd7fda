"""Records as the trainer reads them: token ids, pairs, held-out choices, and the position bias of slots."""
