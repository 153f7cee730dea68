"""What developers run, in folders by purpose. Run Python scripts from the root of the repository:

    python -m scripts.measure.benchmark --quick

``starter``
    Render the training sounds, train the starter weights, distil OpenL3-lite, judge and register.
``measure``
    Speed, memory, cost and accuracy: the numbers in docs.
``stress``
    Damaged weights files and killed corpus runs.
``release``
    Check an installation, build the site, store the notebooks and the example recording.
``heareval``
    Run HEAR's own evaluation kit.
"""
