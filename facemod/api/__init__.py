"""The Python API: what the commands of that name do, with values in place of files.

    import facemod

    picture = facemod.edit("me.jpg", smile=1.5, age=-1)
    picture.save("smiling.jpg")

Photos are paths, Pillow images or arrays, uint8 [H, W, 3] in sRGB. A file that :meth:`Picture.save`
writes is, byte for byte, the one that the command line writes for the same words. All functions
raise subclasses of :class:`facemod.errors.FacemodError`.
"""
