"""What log lines say: templates, the constant part of lines that one statement wrote."""

from aiops.logs.templates import VARIABLE, TemplateMiner, mask, templates, unwrap

__all__ = ["VARIABLE", "TemplateMiner", "mask", "templates", "unwrap"]
