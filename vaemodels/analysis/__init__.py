"""What is looked at rather than optimised. Each analysis is numbers, pure functions, and a picture.

`report.analyze` runs those that make sense for a model and writes a page; `comparison.compare`
draws several models row by row.
"""
