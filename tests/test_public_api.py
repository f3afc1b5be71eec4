"""The public names, pinned: a change here is a change for users."""

from __future__ import annotations

import re

import ultra_face


def test_public_names():
    assert sorted(ultra_face.__all__) == ["Face", "FaceDetector", "Faces", "__version__", "register"]
    assert all(hasattr(ultra_face, name) for name in ultra_face.__all__)


def test_the_changelog_begins_with_this_version(repository):
    headings = re.findall(r"^## (\S+)", (repository / "CHANGELOG.md").read_text(), flags=re.MULTILINE)
    assert headings[0] == ultra_face.__version__
