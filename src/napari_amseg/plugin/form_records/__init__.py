"""What the forms of the steps hold, as records: kept in workspaces and between sessions."""
