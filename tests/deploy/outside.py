"""What the stage's server finds outside of it: files over HTTP and HTTPS, as Debian and the publisher of LXD's images serve them.

Arguments: the address, the folder of files, and a file with the certificate and its key.
"""

import functools
import http.server
import ssl
import sys
import threading

address, folder, certificate = sys.argv[1:]
http.server.SimpleHTTPRequestHandler.protocol_version = "HTTP/1.1"
handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=folder)
plain = http.server.ThreadingHTTPServer((address, 80), handler)
sealed = http.server.ThreadingHTTPServer((address, 443), handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate)
sealed.socket = context.wrap_socket(sealed.socket, server_side=True)
threading.Thread(target=plain.serve_forever, daemon=True).start()
sealed.serve_forever()
