"""An incident explained: who is blamed and why, in words, in pictures and as a page.

Nothing here ranks, or knows a ranker: ``aiops.rca.explain`` makes an ``Explanation``.
"""

from aiops.explained.explanation import Exhibits, Explanation, Step

__all__ = ["Exhibits", "Explanation", "Step"]
