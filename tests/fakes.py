"""A model and a detector small enough to reason about, and ones that fail.

They stand in for the real ones at the two seams of the house, the FaceModel and the Detector.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from facemod.editing.editor import Editor
from facemod.faces.face import Face
from facemod.latent.codes import Codes, Details, Scale
from facemod.models.base import Effort, ModelInfo, Watch, WindowDrawer, unwatched
from facemod.models.windows import Window

SIDE = 64
RESOLUTIONS = (4, 8, 8, 16, 16, 32, 32, 64, 64, 128, 128, 256, 256, 512, 512, 1024)
COLOURS = 3
# Eyes, nose and mouth in a face square of side 1 around (0, 0).
LANDMARKS = [[-0.125, -0.026], [0.125, -0.026], [0, 0.11], [-0.095, 0.234], [0.095, 0.234]]


class FakeModel:
    """Three bands of colour: the coarse slots paint the top third, mid the middle, fine the bottom.

    A style is a colour in [-1, 1]; a band shows the mean of its slots. Encoding reads the mean
    colour of each band, so decoding an encoded face gives its blurred self.
    """

    info = ModelInfo(
        name="bundled",
        family="wavelet",
        resolution=SIDE,
        slots=len(RESOLUTIONS),
        dim=COLOURS,
        slot_resolutions=RESOLUTIONS,
        geometry="flat",
        licence="none",
        parameters=0,
    )
    device = torch.device("cpu")

    def encode(self, images: Tensor) -> Codes:
        bands = F.adaptive_avg_pool2d(images, (3, 1))[..., 0]  # [N, 3 colours, 3 bands]
        styles = torch.zeros(len(images), len(RESOLUTIONS), COLOURS)
        for band, slots in enumerate(self._slots()):
            styles[:, slots] = bands[:, None, :, band]
        return Codes(styles, self.info.family, RESOLUTIONS)

    def decode(self, codes: Codes, size: int | None = None) -> Tensor:
        colours = [codes.styles[:, slots].mean(1) for slots in self._slots()]
        bands = torch.stack(colours, dim=2)[..., None].clamp(-1, 1)  # [N, 3 colours, 3 bands, 1]
        rows = torch.arange(SIDE) * 3 // SIDE
        return bands[:, :, rows].expand(-1, -1, -1, SIDE)

    def sample(self, count: int, *, seed: int, truncation: float = 0.7) -> Codes:
        generator = torch.Generator().manual_seed(seed)
        noise = torch.rand(count, 1, COLOURS, generator=generator) * 2 - 1
        styles = (truncation * noise).expand(-1, len(RESOLUTIONS), -1)
        return Codes(styles, self.info.family, RESOLUTIONS)

    @staticmethod
    def _slots() -> list[list[int]]:
        probe = Codes(torch.zeros(1, len(RESOLUTIONS), 1), "wavelet", RESOLUTIONS)
        return [list(probe.slots(scale)) for scale in Scale]


class FittingFake(FakeModel):
    """A model that can be fitted: its codes then hold the face's own map of details.

    Its pictures show ``fitted`` times 0.01 more red, so that a fit can be seen.
    """

    fingerprint = "fake"

    def __init__(self) -> None:
        self.fits: list[Effort] = []

    def encode(self, images: Tensor) -> Codes:
        codes = super().encode(images)
        maps = torch.zeros(len(images), 1, 2, 2)
        return replace(codes, details=(Details.of(maps, codes.styles),))

    def fit_seconds(self, effort: Effort) -> float:
        return {Effort.REFINE: 6.0, Effort.ADAPT: 30.0}[effort]

    def fit(self, images: Tensor, codes: Codes, effort: Effort, watch: Watch = unwatched) -> Codes:
        for step in (1, 2):
            watch(step, 2)
        self.fits += [effort] * len(images)
        (entry,) = codes.details
        return replace(codes, details=(replace(entry, fitted=torch.ones(len(images), 3)),))

    def decode(self, codes: Codes, size: int | None = None) -> Tensor:
        images = super().decode(codes).clone()
        for entry in codes.details:
            if entry.fitted is not None:
                images[:, 0] += 0.01 * entry.fitted.mean(1)[:, None, None]
        return images


class FailingModel(FakeModel):
    """Raises ``problem`` when it encodes for the ``nth`` time, or always when it decodes."""

    def __init__(self, problem: BaseException, *, nth: int = 1, decoding: bool = False) -> None:
        self.problem, self.nth, self.decoding = problem, nth, decoding
        self.calls = 0

    def encode(self, images: Tensor) -> Codes:
        self.calls += 1
        if self.calls == self.nth and not self.decoding:
            raise self.problem
        return super().encode(images)

    def decode(self, codes: Codes, size: int | None = None) -> Tensor:
        if self.decoding:
            raise self.problem
        return super().decode(codes)


class FakeDetector:
    """Finds one face in the middle of any picture that is not black, and several in a wide one.

    A picture as wide as n of its heights shows n faces side by side, each larger than the one
    before it.
    """

    name = "fake"

    def detect(self, rgb: np.ndarray) -> list[Face]:
        if rgb.max() < 8:
            return []
        height, width = rgb.shape[:2]
        count = max(1, width // height)
        return [self._face(i, count, height, width) for i in range(count)]

    def _face(self, i: int, count: int, height: int, width: int) -> Face:
        side = min(height, width) * (0.4 + 0.2 * (i + 1) / count)
        centre = np.array([(i + 0.5) * width / count, height / 2]) - 0.5
        box = (*(centre - side / 2).tolist(), *(centre + side / 2).tolist())
        landmarks = np.array(LANDMARKS) * side + centre
        return Face(i + 1, box, landmarks, score=0.9, verify=7.0, backend=self.name)


def open_fake(device: str) -> Editor:
    """An editor of fakes, as workers open it."""
    return Editor(FakeModel(), FakeDetector())


class WindowFake(FakeModel):
    """The fake model with 1024 px pictures' geometry in small: it can draw windows."""

    style_axes = torch.eye(COLOURS)

    def window_drawer(self, codes: Codes) -> WindowDrawer:
        def draw(styles: Tensor, windows: Sequence[Window]) -> tuple[Tensor, list[Tensor]]:
            picture = self.decode(replace(codes, styles=styles))
            return picture, [window.of(picture) for window in windows]

        return draw
