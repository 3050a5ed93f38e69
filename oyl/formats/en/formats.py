"""In UTC. oyl/static/oyl/times.js finds times by this form, and shows them in the viewer's zone; the spaces are
no-break spaces, so that a time stays in one line, and that few other texts have the form."""

DATETIME_FORMAT = "Y-m-d\u00a0H:i:s\u00a0\\U\\T\\C"
DATE_FORMAT = "Y-m-d"
