"""Heads, losses and layers compared: every row trained alike, with several seeds, and measured on the same photographs.

`rows.py` says what is compared and why, `trainer.py` trains, `measure.py` measures, `run.py` makes one
record. `python -m training.ablation` is the command.
"""
