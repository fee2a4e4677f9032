"""A real multi-process shop, its load, its planted faults and their ground truth."""
