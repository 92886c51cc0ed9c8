import base64, hashlib, hmac, json, sys, time
from http.server import BaseHTTPRequestHandler, HTTPServer

key = base64.b64decode(sys.argv[2].removeprefix("whsec_"))

def is_genuine(headers, body):
    id, timestamp = headers["webhook-id"], headers["webhook-timestamp"]
    signed = hmac.new(key, f"{id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    given = [one.removeprefix("v1,") for one in headers["webhook-signature"].split()]
    is_new = abs(time.time() - int(timestamp)) < 300
    return is_new and any(hmac.compare_digest(base64.b64encode(signed).decode(), one) for one in given)

class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        genuine = is_genuine(self.headers, body)
        if genuine:
            print(self.headers["webhook-id"], json.loads(body), flush=True)
        self.send_response(204 if genuine else 401)
        self.end_headers()

HTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver).serve_forever()
