"""What `benchmarks/endurance.py` runs for long: the film, the arms, their samples, and many users of one detector."""
