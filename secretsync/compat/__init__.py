"""Programs under the names of other tools, which behave as those do at their interfaces."""
