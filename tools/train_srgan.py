"""The same as `ultra-face train-generator`."""

from ultra_face.__main__ import main

main("train-generator")
