"""Numbers on a device: pictures to tensors and back, convolutions, memory."""
