import json, sys, urllib.request

server, login, password = sys.argv[1:4]
token = None

def call(method, path, body=None, headers={}):
    if token:
        headers = {"Authorization": f"Bearer {token}", **headers}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(server + path, data, {"Content-Type": "application/json", **headers}, method=method)
    with urllib.request.urlopen(request) as answer:
        return json.loads(answer.read() or "null"), answer.headers

token = call("POST", "/v2/users/login", {"user": login, "password": password})[0]["access_token"]
karana, headers = call("POST", "/v2/karanas", {"name": "Roof", "owner": None, "config": {"post_int": 15}})
path = headers["Location"]
call("PATCH", path, {"note": "on the roof"}, {"If-Match": headers["ETag"]})
page = call("GET", "/v2/karanas?filter[name][prefix]=ro&sort=-created_at&fields=name,note")[0]
print(page["total"], page["items"][0])
call("DELETE", path, headers={"If-Match": "*"})
