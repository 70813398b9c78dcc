"""Codes fitted to the photo: the ladder's upper rungs, whatever the model family."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from facemod.errors import UsageError
from facemod.fidelity.store import FitStore, key_of
from facemod.latent.codes import Codes
from facemod.models.base import Effort, FaceModel, FittingModel, Watch, unwatched


def fitting_model(model: FaceModel, effort: Effort) -> FittingModel:
    """The model as one that can be fitted.

    Raises:
        UsageError: its family cannot.
    """
    if not isinstance(model, FittingModel):
        raise UsageError(
            f"--fidelity {effort.value}: a {model.info.family} model cannot be fitted to a photo; "
            "use --fidelity transfer, or --model bundled"
        )
    return model


def fitted(
    model: FaceModel,
    image: Tensor,
    pixels: NDArray[np.uint8],
    codes: Codes,
    effort: Effort,
    store: FitStore,
    watch: Watch = unwatched,
) -> Codes:
    """The codes of one face fitted to its ``image`` [1, 3, R, R], or as an earlier run did.

    ``pixels`` [R, R, 3] are the same picture, which the store knows it by; ``watch`` sees each step
    of a new fit.

    Raises:
        UsageError: the model's family cannot be fitted.
    """
    able = fitting_model(model, effort)
    key = key_of(pixels, able.fingerprint, effort)
    if (known := store.find(key, codes)) is not None:
        return known
    learnt = able.fit(image, codes, effort, watch)
    store.keep(key, learnt)
    return learnt
