"""Layover: which intermediate training makes a multilingual encoder better, and at what cost."""
