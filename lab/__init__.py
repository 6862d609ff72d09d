"""The room where what is shipped was made: texts, recipes and experiments. It is no part of the installed library.

python -m lab train NAME, python -m lab measure [NAME ...], python -m lab check [NAME ...]
"""
