"""The page as a set of files: what is served, and what is written for another server."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from ultra_face.files.whole import new_folder
from ultra_face.plugin import files
from ultra_face.web.page_model import PageModel
from ultra_face.web.runtime import SUMS

PAGE = ("index.html", "style.css", "icon.svg", "app.js", "camera.js", "drawing.js", "detect.js", "worker.js")
"""Files of the page's folder."""

MODEL, DESCRIPTION, RUNTIME = "model.onnx", "model.json", "runtime"


def page_folder() -> Path:
    """Where the files of the page lie, in the package or in the checkout."""
    return files.root() / files.PAGE


@dataclass(frozen=True)
class Site:
    """The files of a page that finds faces.

    Attributes:
        files: by their path below the page's address; a path of a file that exists, or its content.
    """

    files: dict[str, Path | bytes]

    @classmethod
    def of(cls, model: PageModel, runtime: Path, *, confidence: float, threads: int) -> Site:
        """Bring together the page, a model and ONNX Runtime Web.

        Args:
            model: see `PageModel`.
            runtime: folder of ONNX Runtime Web.
            confidence: score at which the slider starts.
            threads: of WebAssembly.
        """
        described = model.describe(MODEL, confidence=confidence, threads=threads)
        return cls(
            {
                **{name: page_folder() / name for name in PAGE},
                **{f"{RUNTIME}/{name}": runtime / name for name in SUMS},
                MODEL: model.content,
                DESCRIPTION: (json.dumps(described, indent=2) + "\n").encode(),
            }
        )

    def read(self, path: str) -> bytes:
        """The content of a file.

        Raises:
            KeyError: there is none of that path.
        """
        file = self.files[path]
        return file if isinstance(file, bytes) else file.read_bytes()

    def write(self, folder: Path) -> int:
        """Write all files into a new folder, which appears when it is whole.

        Returns:
            How many bytes they have.

        Raises:
            FileExistsError: the folder has files already.
            OutputError: the disk is full, or the folder cannot be written to.
        """
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise FileExistsError(f"{folder}: expected a new or empty folder, got one with files; choose another")
        size = 0
        with new_folder(folder) as whole:
            for path in self.files:
                (whole / path).parent.mkdir(parents=True, exist_ok=True)
                size += (whole / path).write_bytes(self.read(path))
        return size
