"""The benchmarks behind the figures in docs/measured.md: ``python -m benchmarks`` runs all."""
