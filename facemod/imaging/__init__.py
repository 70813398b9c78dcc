"""Photos, videos and contact sheets as files. Nothing here knows about models or torch."""
