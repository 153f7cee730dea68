"""Synthetic sounds: notes, strokes, speech, events, backgrounds and rooms.

Each function takes a `numpy.random.Generator` and returns float32 mono samples in [-1, 1].
`streams` makes generators that training and tasks never share.
"""
