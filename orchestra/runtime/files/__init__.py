"""Reading and writing what scripts name by path: files, patterns, pages, workspaces.

Which paths a script may touch is decided by the policy before anything here is called.
"""
