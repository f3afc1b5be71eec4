"""The same as `ultra-face show`."""

from ultra_face.__main__ import main

main("show")
