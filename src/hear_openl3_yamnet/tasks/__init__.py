"""Five tasks in HEAR's format, made of synthetic sounds: no data set to fetch, no licence to mind.

`writing.make_task` writes one into a folder that heareval reads.
"""
