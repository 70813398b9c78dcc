"""PIONEER (Heljakka et al. 2018): an autoencoder with one latent and no scales."""
