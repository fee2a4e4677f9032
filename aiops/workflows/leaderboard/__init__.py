"""The leaderboard of root-cause rankers: every ranker on every set, plain and under stress.

Outcomes are kept on disk (``store``), by what decides them: ranker, stress, seed, and a version
of code and data (``sets``). A run (``board``) asks only what is not there yet. What is kept
becomes figures and MLflow runs (``measuring``, ``falls``), and they are published in git
(``published``) with what they were made of (``origin``), so that one ranker is measured without
the rankings of the others. The page is written from what is published alone (``sheet``, ``page``)
and measures the default against what it is to reach (``targets``); one call does all (``publish``).
"""
