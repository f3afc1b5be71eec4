"""The same as `ultra-face prepare`."""

from ultra_face.__main__ import main

main("prepare")
