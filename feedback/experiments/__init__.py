"""What the judgements prove: support rates, and the way from judgements to choices."""
