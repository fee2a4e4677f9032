"""Cause and effect on the service graph: what explains a symptom, what changed, what if."""
