import subprocess
import sys
from pathlib import Path

import facemod.imaging

CODE = """
import sys
{imports}
print([name for name in ("torch", "imageio_ffmpeg", "pillow_heif") if name in sys.modules])
"""


def test_no_module_imports_torch_or_ffmpeg():
    folder = Path(facemod.imaging.__file__).parent
    names = [path.stem for path in folder.glob("*.py") if path.stem != "__init__"]
    assert "photo" in names
    code = CODE.format(imports="\n".join(f"import facemod.imaging.{name}" for name in names))
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
