"""Exit with an error unless this container's web application is ready. ALLOWED_HOSTS needs localhost."""

from urllib.request import urlopen

urlopen("http://localhost:8000/readyz", timeout=8)
