"""The same as `ultra-face evaluate`."""

from ultra_face.__main__ import main

main("evaluate")
