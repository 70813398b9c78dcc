"""The corridor: what happens to the faces of one photo or film, between two pictures in memory."""
