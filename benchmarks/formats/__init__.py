"""The shipped weights in every format: what runs each of them, and what is measured of it."""
