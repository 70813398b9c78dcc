"""Model families behind one seam, and which models there are."""
