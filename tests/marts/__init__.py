"""The marts against an oracle, rule by rule."""
