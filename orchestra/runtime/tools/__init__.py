"""The tools that models may use: what is granted, what is confined, what they do.

`toolbox` puts them together for one call; when they are used is decided by the conversation.
"""
