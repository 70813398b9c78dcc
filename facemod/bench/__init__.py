"""How fast this machine edits faces, and where the time goes."""
