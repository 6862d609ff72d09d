"""The room where what is shipped was made: texts, recipes and experiments. It is no part of the installed library.

python -m lab train NAME, read-on NAME, measure [NAME ...], check [NAME ...], survey [NAME ...]
"""
