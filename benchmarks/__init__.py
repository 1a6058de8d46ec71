"""What the README's figures are measured with: ``python -m benchmarks`` runs them all."""
