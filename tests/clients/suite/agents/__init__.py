"""Coding agents: how each is started, what it is made to do, and whether it did it."""
