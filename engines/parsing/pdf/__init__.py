"""PDF: text layers in reading order, tables, form fields, annotations and attachments; OCR of what is only a picture."""
