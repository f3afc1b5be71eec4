"""Faces of very many photographs, on all cores of a machine or on a cluster, with Ray Data.

`ultra_face.bulk.detect` is all of it; Ray is imported when that is called.
"""

from ultra_face.bulk.job import Outcome, detect

__all__ = ["Outcome", "detect"]
