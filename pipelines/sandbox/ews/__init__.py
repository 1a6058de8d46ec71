"""EWS as the simulated Exchange speaks it."""
