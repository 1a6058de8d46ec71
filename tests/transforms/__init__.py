"""Tests of the pure functions: rules, redaction, open time, time zones."""
