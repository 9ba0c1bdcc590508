"""Readers of a session: window, page, monitor."""
