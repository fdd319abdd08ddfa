"""Vercel's AI SDK, played by a Node process that takes commands line by line."""

from __future__ import annotations

AI_SDK: tuple = ()
