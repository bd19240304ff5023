"""Models: Hugging Face encoders under Hugging Face heads, loaded, joined and saved (torch)."""
