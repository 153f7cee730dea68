"""The full study of HEAR tasks: all networks, heads, scene poolings and ensembles, two probes.

    python -m scripts.measure.task_study --weights random --tasks FOLDER

What it crosses and probes is `hear_openl3_yamnet.study`; here are the long list of variants, the
questions of HEAR 2021's two submissions, and the report.
"""
