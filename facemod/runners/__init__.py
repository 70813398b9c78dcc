"""Running many jobs: one worker, several in this machine, or a cluster of them."""
