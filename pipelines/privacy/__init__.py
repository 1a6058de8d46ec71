"""What a data protection officer asks for: erasing, and the record of processing.

Belongs here: the two commands' work, and the result of the last privacy proof.
Does not belong here: removing personal data from what is read (``transforms/redact.py``).
"""
