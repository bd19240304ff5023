"""One training loop for every phase and every task type (torch)."""
