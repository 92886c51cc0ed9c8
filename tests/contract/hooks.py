"""What schemathesis must know of the server beside its description: how to sign in, and what no schema can say."""

import json
import os
import random
import shlex
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

import schemathesis

URL = os.environ["CONTRACT_URL"]
PROGRAM = shlex.split(os.environ["CONTRACT_PROGRAM"])
ROLE = os.environ["CONTRACT_ROLE"]
EMAIL, PASSWORD = f"{ROLE}@contract.example", f"password of {ROLE}"


def call(method, path, token=None, body=None):
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(URL + path, data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refusal:
        return refusal.code, None


def operator(*arguments):
    """The way in that no call can close: a running server is told by its own command line."""
    command = [*PROGRAM, *arguments, "--password-stdin"]
    return subprocess.run(command, input=PASSWORD, text=True, capture_output=True).returncode == 0


def sign_in(email, password):
    status = 429
    # What was tried in vain before counts for this address.
    while status == 429:
        status, answer = call("POST", "/v1/users/login", body={"user": email, "password": password})
        time.sleep(1 if status == 429 else 0)
    return json.loads(answer)["results"][0]["token"] if status == 200 else None


class Account:
    """Somebody with the role. What it calls may end its tokens, change its address, delete it by another: it comes back."""

    def __init__(self):
        self.token = None
        self.own_something()

    def sign_in(self):
        if self.token and call("GET", "/v2/users?limit=1&fields=uuid", self.token)[0] == 200:
            return self.token
        self.token = sign_in(EMAIL, PASSWORD)
        if not self.token and not operator("user", "passwd", EMAIL):
            operator("user", "add", "--role", ROLE, "--email", EMAIL)
        self.token = self.token or sign_in(EMAIL, PASSWORD)
        return self.token

    def own_something(self):
        """So that a client has something of its own, too."""
        self.sign_in()
        admin = sign_in("admin@example.com", "admin")
        query = urllib.parse.urlencode({"filter[email]": EMAIL})
        owner = call("GET", f"/v2/users?{query}", admin)[1]["items"][0]["uuid"]
        _, karana = call("POST", "/v2/karanas", admin, {"name": "Roof", "owner": owner, "config": {}})
        visit = {"karana": karana["uuid"], "date": "2026-02-28", "technician": "Ada"}
        noon = "2026-02-28T12:00:00Z"
        paid = {"karana": karana["uuid"], "owner": owner, "amount": 250, "currency": "EUR"}
        assert call("POST", "/v2/maintenances", admin, visit)[0] == 201
        assert call("POST", "/v2/payments", admin, {**paid, "paid_at": noon, "valid_until": noon})[0] == 201


account = Account()


@schemathesis.auth(refresh_interval=None)
class Token:
    def get(self, case, context):
        return account.sign_in()

    def set(self, case, token, context):
        case.headers["Authorization"] = f"Bearer {token}"


@schemathesis.hook
def filter_query(context, query):
    """A value without anything in it is not sent at all, and what is left may well be in order."""
    return not any(value in ([], {}) for value in (query or {}).values())


@schemathesis.hook
def before_call(context, case, kwargs):
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    ask_for_what_is_there(case)
    if case.path.startswith("/v2/"):
        order_once(case)
        continue_a_list(case)
        ask_for_the_past(case)
        refer_to_what_is_there(case)
    # Filters, as they are sent, would be looked for in vain among the parameters: it is as valid as before.
    case._record_starting_state()


def newest(resource):
    """A record of the resource that the role sees."""
    status, page = call("GET", f"/v2/{resource}?limit=1&sort=-created_at", account.token)
    return page["items"][0] if status == 200 and page["items"] else None


def ask_for_what_is_there(case):
    """Made-up ids are 404, and made-up tags 412: three times of four they are real ones."""
    if "id" not in (case.path_parameters or {}) or random.random() < 0.25:
        return
    record = newest(case.path.split("/")[2])
    if record:
        case.path_parameters["id"] = record["uuid"]
        if case.headers and case.headers.get("If-Match"):
            case.headers["If-Match"] = "*"


def order_once(case):
    """A field counts once in `sort`, whichever way."""
    sort = (case.query or {}).get("sort")
    if sort:
        case.query["sort"] = ",".join({field.lstrip("-"): field for field in sort.split(",")}.values())


def continue_a_list(case):
    """`after` is what the page before says."""
    if "after" not in (case.query or {}):
        return
    del case.query["after"]
    query = urllib.parse.urlencode({"limit": 1, "sort": case.query.get("sort") or ""})
    status, page = call("GET", f"{case.formatted_path}?{query}", account.token)
    if status == 200 and page["next"]:
        case.query["after"] = page["next"]


def ask_for_the_past(case):
    """Revisions and times are those at which there was something."""
    if "at" in (case.query or {}):
        case.query["at"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        # Live state is of now.
        case.query.pop("include", None)
        case.query.pop("connection", None)
    if case.path.endswith("/restore") and isinstance(case.body, dict):
        status, page = call("GET", "/v2/history?limit=1", account.token)
        if status == 200 and page["items"]:
            case.body["revision"] = page["items"][0]["revision"]


def references():
    """By resource: which field refers to which other resource."""
    _, document = call("GET", "/openapi.json")
    found = {}
    for name, schema in document["components"]["schemas"].items():
        resource, _, part = name.partition(".")
        if part == "New":
            fields = schema["properties"].items()
            found[resource] = {field: rule["x-references"] for field, rule in fields if "x-references" in rule}
    return found


REFERENCES = references()


def refer_to_what_is_there(case):
    if not isinstance(case.body, dict):
        return
    if case.path == "/v2/keys":
        case.body["scopes"] = ["*:read:all"]
        case.body.pop("expires_at", None)
    for field, resource in REFERENCES.get(case.path.split("/")[2], {}).items():
        record = newest(resource) if isinstance(case.body.get(field), str) else None
        if record:
            case.body[field] = record["uuid"]
