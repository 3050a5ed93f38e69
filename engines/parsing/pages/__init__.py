"""What stands on a page, by its position: paragraphs, columns, tables."""
