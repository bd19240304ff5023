"""Tasks: what a model is trained on and measured with. One file per data set."""
