"""The rules behind the exercises, one module a lesson; `common` holds what several of them use.

A rule gets the reader's answers, raises a hint where one is wrong and returns a word of praise where all are right.
It compares with a property or with an independent computation, on numbers for which no two typical mistakes agree
(at x = 1, x and x² do). These modules show the solutions.
"""
