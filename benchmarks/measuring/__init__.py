"""What the benchmarks share: the market's frames, the contestants, the rounds and the tables."""
