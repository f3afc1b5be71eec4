"""Other face detectors, run from ONNX files that are given by path, to be measured beside ours.

One detector a file, each with three steps that can be timed apart: `preprocess`, `infer`, `decode` (`detector.py`).
`table.py` lists them, `cost.py` counts parameters and operations. Nothing of theirs is shipped here.
"""
