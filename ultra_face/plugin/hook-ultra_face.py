"""What PyInstaller packs with a program that imports ultra_face: YAML files, weights, the page, and every module.

Model YAMLs, checkpoints and the public names of the package give modules by name only, which PyInstaller cannot see.
"""

import pkgutil

from ultra_face.plugin import files

_PATTERNS = [*(f"{folder}/*.yaml" for folder in files.FOLDERS), f"{files.WEIGHTS}/*.pt", f"{files.PAGE}/*.*"]

datas = [(str(files.root() / pattern), f"ultra_face/{pattern.rpartition('/')[0]}") for pattern in _PATTERNS]
hiddenimports = [
    module.name for module in pkgutil.walk_packages([str(files.PACKAGE)], "ultra_face.") if "hook-" not in module.name
]
