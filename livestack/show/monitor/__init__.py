"""The night watch."""
