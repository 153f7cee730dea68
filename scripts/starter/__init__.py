"""The starter weights: render sounds, train on them, judge and register what was learned.

`python -m scripts.starter` lists the commands. Each command is the module of its name.
"""
