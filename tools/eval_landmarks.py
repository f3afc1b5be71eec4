"""The same as `ultra-face evaluate-landmarks`."""

from ultra_face.__main__ import main

main("evaluate-landmarks")
