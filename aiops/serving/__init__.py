"""Registered detectors and rankers behind HTTP: MLflow's scoring server, with clear refusals."""

from aiops.serving.server import serve

__all__ = ["serve"]
