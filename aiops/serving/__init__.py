"""Registered detectors behind HTTP: MLflow's scoring server, with clear refusals."""
