"""What a trained model costs to serve: latency, memory, disk, on real text (torch)."""
