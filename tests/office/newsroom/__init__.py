"""The newsroom through its pages."""
