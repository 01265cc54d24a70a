"""Keys and signatures off the chain, and what they need on disk."""
