"""The import in the page: an uploaded file becomes a table, its columns find their fields, a job writes the rows."""
