"""Codes fitted to the photo: the ladder's upper rungs, whatever the model family."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from facemod.errors import UsageError
from facemod.fidelity.store import FitStore, key_of
from facemod.latent.codes import Codes, concatenate
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
    images: Tensor,
    pixels: Sequence[NDArray[np.uint8]],
    codes: Codes,
    effort: Effort,
    store: FitStore,
    watch: Watch = unwatched,
) -> list[Codes]:
    """The codes of N faces, each fitted to its picture or as an earlier run fitted it.

    ``images`` [N, 3, R, R] and ``pixels`` [R, R, 3] are the same pictures: the model looks at the
    former, the store knows them by the latter. ``watch`` sees each step of what is fitted anew.

    Raises:
        UsageError: the model's family cannot be fitted.
    """
    able = fitting_model(model, effort)
    keys = [key_of(face, able.fingerprint, effort) for face in pixels]
    known = [store.find(key, codes[i]) for i, key in enumerate(keys)]
    new = [i for i, fit in enumerate(known) if fit is None]
    if new:
        learnt = able.fit(images[new], concatenate(codes[i] for i in new), effort, watch)
        for place, i in enumerate(new):
            known[i] = learnt[place]
            store.keep(keys[i], learnt[place])
    return [fit for fit in known if fit is not None]
