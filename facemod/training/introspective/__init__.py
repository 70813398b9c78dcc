"""Training encoder and decoder against each other: PIONEER, Balanced PIONEER, automodulator.

There is no discriminator. The encoder learns to tell real images from decoded ones by sending
the real ones to evenly spread latents and the decoded ones elsewhere; the decoder learns to
please it; and both learn to undo each other.
"""
