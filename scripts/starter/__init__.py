"""The starter weights: render sounds, train on them, judge what was learned.

`python -m scripts.starter` lists the commands.
"""
