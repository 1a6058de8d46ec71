"""Tests of the configuration: what is read, and every error that refuses it."""
