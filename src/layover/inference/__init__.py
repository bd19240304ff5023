"""From a model and examples to predictions on disk, and from those to scores."""
