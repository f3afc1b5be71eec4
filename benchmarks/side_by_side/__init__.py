"""Detectors measured side by side, ours and others, on the same photographs in one run.

`contestant.py` says what is measured of each, `host.py` and `peer.py` are the two kinds, `photographs.py` finds images
and labels, `timing.py` and `ultra_face/evaluation/accuracy.py` measure, `run.py` writes the result file.
`tools/benchmark.py` is its command.
"""
