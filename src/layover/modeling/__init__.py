"""Models: Hugging Face encoders under Hugging Face heads, loaded, joined and saved (torch)."""

import os

from transformers.utils import logging

# A study loads hundreds of models; its own progress is shown instead.
logging.disable_progress_bar()
# Kernels are made for every size of a batch, and torch would keep a thousand of them.
os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "8192")
