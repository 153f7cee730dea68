"""Sounds made by rule: notes, strokes, speech, events, backgrounds and rooms.

Every function takes its randomness as a `numpy.random.Generator` and returns float32 mono samples
in [-1, 1]; `streams` hands out generators that training and tasks never share.
"""
