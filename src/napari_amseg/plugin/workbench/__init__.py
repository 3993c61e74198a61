"""The *Workbench*: the steps from a stack to numbers in order, and workspaces that are reopened."""
