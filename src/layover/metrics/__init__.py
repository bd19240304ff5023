"""Metrics. Each is named and versioned, and says which original it equals."""
