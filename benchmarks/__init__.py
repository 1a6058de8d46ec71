"""What measures the figures of docs/measured.md: ``python -m benchmarks`` runs all of it."""
