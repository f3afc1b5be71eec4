"""The same as `ultra-face tiles`."""

from ultra_face.__main__ import main

main("tiles")
