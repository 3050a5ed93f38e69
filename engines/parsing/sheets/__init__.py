"""Sheets: workbooks of Excel and OpenDocument, and tables in text files."""
