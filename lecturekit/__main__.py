"""``python -m lecturekit`` says in words whether this machine has all that the course needs."""

import sys

from .lessons.environment import environment

sys.stdout.reconfigure(encoding="utf-8", errors="replace")  # a console of Windows may know no ✓
report = environment()
print(report)
sys.exit(not report.ok)
