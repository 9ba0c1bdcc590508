"""A session at work: subs in their order, the looks, what is written and shown, and what is asked of it."""
