"""``python -m lecturekit`` says whether this machine has all that the course needs, and which exercises are done."""

import sys

from .exercises.progress import progress
from .lessons.environment import environment

sys.stdout.reconfigure(encoding="utf-8", errors="replace")  # a console of Windows may know no ✓
report = environment()
print(report, end="\n\n")
progress()
sys.exit(not report.ok)
