"""SPP with smaller kernels. Source: SR-YOLOv5, section 1.2.1 (kernels 3, 5, 7 as in YOLO5Face)."""

from __future__ import annotations

from ultralytics.nn.modules.block import SPP

KERNELS = (3, 5, 7)


class SPP357(SPP):  # type: ignore[misc]
    """Ultralytics' spatial pyramid pooling with kernels 3, 5, 7 instead of 5, 9, 13: (B, c1, H, W) -> (B, c2, H, W)."""

    def __init__(self, c1: int, c2: int, k: tuple[int, ...] = KERNELS) -> None:
        super().__init__(c1, c2, k)
