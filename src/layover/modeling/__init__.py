"""Models: Hugging Face encoders under Hugging Face heads, loaded, joined and saved (torch)."""

from transformers.utils import logging

# A study loads hundreds of models; its own progress is shown instead.
logging.disable_progress_bar()
