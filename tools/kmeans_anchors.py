"""The same as `ultra-face anchors`."""

from ultra_face.__main__ import main

main("anchors")
