"""How good: metrics with their chance level and interval; no file, no network."""
