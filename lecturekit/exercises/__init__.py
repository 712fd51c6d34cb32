"""The rules behind the exercises, one module a lesson; `common` holds what several of them use.

A rule gets the reader's answers, raises a hint where one is wrong and returns a word of praise where all are right.
It compares with a property or with an independent computation. These modules show the solutions.
"""

import importlib
import pkgutil

for _module in pkgutil.iter_modules(__path__, f"{__name__}."):
    importlib.import_module(_module.name)
