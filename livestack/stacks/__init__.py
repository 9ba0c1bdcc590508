"""One stack as it grows: what founds it, what it knows, what is judged and folded into it."""
