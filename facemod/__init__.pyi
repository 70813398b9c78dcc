"""What type checkers see; at run time names are imported when they are first used."""

from facemod.api.calls import edit as edit
from facemod.api.calls import mix as mix
from facemod.api.calls import morph as morph
from facemod.api.calls import reconstruct as reconstruct
from facemod.api.results import Film as Film
from facemod.api.results import Picture as Picture
from facemod.api.words import forget_models as forget_models
from facemod.editing.corridor import put_back as put_back
from facemod.editing.corridor import redraw as redraw
from facemod.editing.editor import Editor as Editor
from facemod.editing.editor import Fidelity as Fidelity
from facemod.editing.editor import open_editor as open_editor
from facemod.faces.detect import make_detector as make_detector
from facemod.imaging.marking import Mark as Mark
from facemod.imaging.reading import open_photo as open_photo
from facemod.imaging.writing import write_photo as write_photo
from facemod.models.registry import load_model as load_model

__version__: str
