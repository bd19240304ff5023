"""Layover beside what a user would pick instead, in one run: `make bench`, or one file alone as
`python -m benchmarks.finetune --json`."""
