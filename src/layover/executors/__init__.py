"""Where stages run, and nothing else: `execute` owns order, skipping and what is reused."""
