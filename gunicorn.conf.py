"""How gunicorn serves the web process: ``gunicorn inventory_sync.config.wsgi`` reads this file from the working directory."""

import os

bind = os.environ.get("BIND", "127.0.0.1:8000")
workers = int(os.environ.get("WEB_WORKERS", "2"))
worker_class = "gthread"
threads = int(os.environ.get("WEB_THREADS", "8"))
timeout = 120  # a first pull with "wait" may take a while; nothing else comes near
graceful_timeout = 30
keepalive = 5
control_socket_disable = True
max_requests = 20_000
max_requests_jitter = 2_000
accesslog = os.environ.get("ACCESS_LOG") or None
forwarded_allow_ips = "*"
# Flipkart signs its notifications in headers with underscores, which gunicorn drops unless they are named here. These two and no others come
# through (SCRIPT_NAME and PATH_INFO, which are let through by default, do not); one that came in both spellings is refused in config/wsgi.py.
forwarder_headers = "X_DATE,X_AUTHORIZATION"
header_map = "drop"
# Whether a request came by https is for Django to say (BEHIND_PROXY), not for whoever sends a header to gunicorn.
secure_scheme_headers: dict[str, str] = {}
