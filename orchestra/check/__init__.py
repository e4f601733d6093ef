"""Static checks: everything that can be told about a script without running it.

`check_script` gives a report for each file; nothing here executes, loads or asks anything.
"""

from orchestra.check.findings import Finding
from orchestra.check.report import Report
from orchestra.check.script import check_script

__all__ = ["Finding", "Report", "check_script"]
