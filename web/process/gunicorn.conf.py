"""gunicorn's fixed settings; server.py adds what depends on ours. Each was tried, the reason stands beside it."""

workers = 1  # one process owns the model
worker_class = "web.process.worker.Worker"  # gthread: only it has streams, WebSockets, drain and seeing a client leave
preload_app = False  # CUDA must not be touched before the fork
timeout = 120  # a worker whose main thread has not moved for so long is stuck; long streams do not count
forwarder_headers = ""  # a client must not say under which path it is served
forwarded_allow_ips = ""  # which proxies are believed, and what, is web/http/proxies.py's
control_socket_disable = True  # it would open a socket in the home folder
accesslog = None  # web/http/requests.py writes one line a request, with its id
loglevel = "warning"
limit_request_line = 8190
