"""What a search found, for people: a summary as data, then tables and pictures of it."""
