"""The leaderboard of root-cause rankers: every ranker on every set, plain and under stress.

Outcomes are kept on disk (``store``), by what decides them: ranker, stress, seed, and a version
of code and data (``sets``). A run (``board``) asks only what is not there yet. What is kept
becomes figures and MLflow runs (``sheets``), and they a page (``page``) that measures the
default against what it is to reach (``targets``).
"""
