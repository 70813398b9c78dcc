"""What the published families share: networks that grow, whose codes lie on a sphere."""
