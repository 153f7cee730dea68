"""Five tasks in HEAR's format, made of synthetic sounds.

They need no download and no licence. `writing.make_task` writes one into a folder that heareval
reads.
"""
