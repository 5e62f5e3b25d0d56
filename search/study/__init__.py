"""The study database: the truth of every search. Everything else is derived from it."""
