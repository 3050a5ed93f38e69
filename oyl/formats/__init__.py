"""How times are written: `FORMAT_MODULE_PATH`."""
