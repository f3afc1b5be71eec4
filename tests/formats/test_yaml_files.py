"""YAML that stands for more than its length, by aliases, by nesting, or by holding itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from ultra_face.formats.yaml_files import MAX_DEPTH, check_extent, read_yaml

LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join([f'*{chr(97 + i)}'] * 9)}]\n" for i in range(9)
)
"""Ten lines that stand for 9^10 words."""

TOO_MUCH = (
    r"a\.yaml: expected at most 100,000 values, 50 deep, got more, or an alias within itself; write out what is meant"
)


def written(folder: Path, text: str) -> Path:
    (folder / "a.yaml").write_text(text, encoding="utf-8")
    return folder / "a.yaml"


@pytest.mark.parametrize(
    "text",
    [
        LAUGHS,
        "a: &me [*me]\n",
        "[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1),
    ],
    ids=["laughs", "itself", "deep"],
)
def test_what_stands_for_too_much_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ValueError, match=TOO_MUCH):
        read_yaml(written(tmp_path, text), "a thing")


@pytest.mark.parametrize("text", ["- " * 3000, "a: [1", "a: 2020-13-45\n", "a: !!python/object/apply:os.getcwd []\n"])
def test_what_does_not_parse_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ValueError, match=r"a\.yaml: expected a thing, got broken YAML \(.+\); correct it$") as caught:
        read_yaml(written(tmp_path, text), "a thing")
    assert "\n" not in str(caught.value)


def test_a_text_that_takes_long_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"a\.yaml: expected a thing of at most 200,000 letters, got 200,001$"):
        read_yaml(written(tmp_path, " " * 200_001), "a thing")


@pytest.mark.parametrize("before", ["", "# " + "]" * 101 + "\n"])
def test_brackets_that_take_long_are_refused(before: str, tmp_path: Path) -> None:
    """Whatever is closed before."""
    with pytest.raises(ValueError, match=r"a\.yaml: expected a thing, got brackets more than 100 deep; correct it$"):
        read_yaml(written(tmp_path, before + "[" * 101), "a thing")


def test_aliases_that_stand_for_little_are_read(tmp_path: Path) -> None:
    assert read_yaml(written(tmp_path, "a: &a [1, 2]\nb: *a\n"), "a thing") == {"a": [1, 2], "b": [1, 2]}


def test_keys_count_too() -> None:
    check_extent({str(number): 0 for number in range(49_999)}, "a.yaml")
    with pytest.raises(ValueError, match=TOO_MUCH):
        check_extent({str(number): 0 for number in range(50_001)}, "a.yaml")
