"""Deep automodulators (Heljakka et al. 2020): one unit latent that drives every level apart."""
