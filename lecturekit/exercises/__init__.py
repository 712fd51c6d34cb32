"""The rules behind the exercises, one module a lesson.

A rule gets the reader's answers, raises a hint where one is wrong and returns a word of praise where all are right.
It compares with a property or with an independent computation. If you are a reader: here be solutions.
"""
