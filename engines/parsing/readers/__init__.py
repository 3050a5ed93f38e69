"""One module for each family of formats: its rows of the registry (`FORMATS`), and the reader where it needs no large
library. They are all imported when a process starts: what takes long to import is in a module that a row's `reader` names.
"""
