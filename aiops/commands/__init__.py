"""The command line's commands, one module a room; ``aiops.cli`` puts them together.

A module here imports typer and this package only; what is heavy is imported inside the
command, so that ``aiops --help`` takes no longer than it must.
"""
