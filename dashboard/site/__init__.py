"""The page without a server: a folder of files that any static host or a memory stick serves (`make site`).

Everything is in this folder and asks nobody for anything: pages that live, one a pair of shipped models and language;
the experiments; the tours through both. What pages have in common lies in ``shared/`` and is loaded by script elements
alone, since a page that was opened from a disk may neither fetch a file nor import a module from beside it.
"""
