"""What docs/activation.md says is so."""

from __future__ import annotations

import re

from interpreters import last_line, run_python


def test_the_code_runs_as_printed_and_names_a_file_of_ours(repository, tmp_path):
    text = (repository / "docs" / "activation.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    done = run_python("-c", f"{code}\nprint(type(checkpoint['model']).__name__)", folder=tmp_path)
    assert last_line(done) == "PoseModel"
