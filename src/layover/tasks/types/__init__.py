"""Task types: how examples of one kind are checked, encoded for an encoder, and decoded.

`outputs` in `decode` are numpy arrays, one a unit, as the head of that type documents them.
"""
