from __future__ import annotations

import shutil

# It needs MariaDB: apt install mariadb-server
collect_ignore = [] if shutil.which("mariadbd") else ["test_queries_of_mysql.py"]
