"""Tests of the configuration: what is read, and every way in which it is refused."""
