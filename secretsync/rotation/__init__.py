"""Runbooks as commands: a reviewable plan, applied on a branch of its own, proved, resumable, and undone by one word.

The engine knows phases; what a colleague's leaving or a stolen key asks for is a small module in `scenarios`.
"""

from __future__ import annotations
