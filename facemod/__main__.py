"""``python -m facemod``."""

from facemod.cli.app import main

main()
