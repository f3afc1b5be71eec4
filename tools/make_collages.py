"""The same as `ultra-face collages`."""

from ultra_face.__main__ import main

main("collages")
