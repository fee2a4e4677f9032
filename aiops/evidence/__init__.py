"""What the tables of a Case say before any model: where time goes, where errors begin, what moved.

Frames in, frames out. Pictures draw it, reports put it into words.
"""
