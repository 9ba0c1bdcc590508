"""What a user types: each command, its options and its words."""
