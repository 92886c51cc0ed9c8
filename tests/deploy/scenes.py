"""What the deployment promises, on the stage of tests/deploy.sh: two tenants, from nothing to one that is taken away again.

Runs beside the server (`tests/deploy.sh run python3 tests/deploy/scenes.py`), with Ansible and the inventory of the stage.
Each function below `scene` is one test; they follow one another on the same server, as a life does.
"""

import base64
import concurrent.futures
import contextlib
import http.client
import json
import os
import re
import shlex
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import urllib.request
import uuid
from pathlib import Path

HERE = Path(__file__).resolve().parent
DEPLOY = HERE.parents[1] / "deploy"
STAGE = Path(os.environ["STAGE"])
KEPT = STAGE / "kept"
DOMAIN = "karana.test"
LOGS = Path(os.environ.get("SCENE_LOGS", STAGE / "log"))
SCENES = []
# Where an authority gives certificates; from the scene on that gets them clients trust it alone.
AUTHORITY = STAGE / "authority.pem"
ACME = {"acme_email": f"admin@{DOMAIN}", "acme_directory": "https://acme.test:14000/dir", "acme_trust": str(STAGE / "outside.crt")}


def scene(function):
    SCENES.append(function)
    return function


# --- The server, its containers and its playbooks -------------------------------------------------------------------


def server(command, check=True, name=DOMAIN):
    """Runs a command on a server, as root; answers what it says."""
    ssh = ["ssh", "-F", STAGE / "ssh_config", f"root@{name}", command]
    done = subprocess.run(ssh, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if check and done.returncode:
        raise AssertionError(f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done.stdout


# Each of two balancers for each of two ports.
INNER_UP = "echo 'show stat' | nc -N -U /run/haproxy/admin.sock | grep -c '^inner_.*haproxy-[12],.*,UP,'"


def inside(container, command, check=True):
    return server(f"lxc exec {container} -- sh -c {shlex.quote(command)}", check)


class Tenant:
    def __init__(self, name, first):
        self.name = name
        self.file = STAGE / f"{name}.yml"
        self.admin = f"admin@{name}.test"
        self.file.write_text((DEPLOY / "tenant_var.yml").read_text())
        self.set(pname=name, domain=DOMAIN, tenant_name=f"Tenant {name}", tenant_id=name.upper(), admin_email=self.admin,
                 path_b=os.environ["KARANA_DEB"], grafana_deb=os.environ["GRAFANA_DEB"])
        self.lives(f"10.0.12.{first}", f"10.0.12.{first + 1}", f"10.0.12.{first + 2}")

    def set(self, **variables):
        text = self.file.read_text()
        for key, value in variables.items():
            text, found = re.subn(rf"(?m)^{key}: .*$", f"{key}: {value}", text)
            assert found == 1, f"tenant_var.yml has no {key}"
        self.file.write_text(text)

    def lives(self, influx, grafana, api):
        self.addresses = {"influx": influx, "grafana": grafana, "api": api}
        self.set(influxip=influx, grafanaip=grafana, apiip=api)

    def secret(self, key):
        path = KEPT / "secrets" / f"{self.name}.yml"
        assert path.read_text().startswith("$ANSIBLE_VAULT;"), f"{path} is not encrypted"
        text = subprocess.run(["ansible-vault", "view", path], check=True, capture_output=True, text=True).stdout
        return re.search(rf"(?m)^{key}: (.*)$", text)[1]

    def host(self, service=""):
        return f"{self.name}{service}.{DOMAIN}"

    def sign_in(self):
        status, body, _ = call("POST", self.host("api"), "/v2/users/login", {"user": self.admin, "password": self.secret("admin_password")})
        assert status == 200, (status, body)
        return {"Authorization": "Bearer " + json.loads(body)["access_token"]}


def play(*playbooks, tenant=None, **variables):
    """Runs playbooks, and answers how much each host has changed."""
    command = ["ansible-playbook", *playbooks]
    if tenant:
        variables["tenant_var"] = str(tenant.file)
    # Load comes from one address here.
    common = {"kept_folder": str(KEPT), "requests_per_10s": 1000000, "connections_per_address": 2000, "drain_seconds": 3}
    command += ["-e", json.dumps(common | (ACME if AUTHORITY.exists() else {}) | variables)]
    name = "-".join([str(time.time_ns())[:13], *(p.removesuffix(".yml") for p in playbooks), tenant.name if tenant else "all"])
    done = subprocess.run(command, cwd=DEPLOY, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    (LOGS / f"{name}.log").write_text(done.stdout + done.stderr)
    if done.returncode:
        raise AssertionError(f"{' '.join(playbooks)}: {done.returncode}\n{done.stdout[-6000:]}\n{done.stderr[-2000:]}")
    return {host: int(n) for host, n in re.findall(r"(?m)^(\S+)\s+: ok=\d+\s+changed=(\d+)", done.stdout)}


# --- A client of what is deployed -----------------------------------------------------------------------------------


def tls(self_signed=False):
    if AUTHORITY.exists() and not self_signed:
        return ssl.create_default_context(cafile=AUTHORITY)
    context = ssl.create_default_context(cafile=KEPT / "secrets" / "self-signed.pem")
    # It has no names; who it is we know.
    context.check_hostname = False
    return context


def call(method, host, path, body=None, headers=None, plain=False, self_signed=False):
    """A request through both balancers on a connection of its own: status, text, headers."""
    if plain:
        connection = http.client.HTTPConnection(host, 80, timeout=60)
    else:
        connection = http.client.HTTPSConnection(host, 443, timeout=60, context=tls(self_signed))
    headers = dict(headers or {})
    if isinstance(body, (dict, list)):
        body = json.dumps(body)
        headers["Content-Type"] = "application/json"
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode(), answer.headers
    finally:
        connection.close()


def until(what, seconds, condition):
    end = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        assert time.monotonic() < end, f"{what}: not within {seconds} s"
        time.sleep(0.5)


def basic(user, password):
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def records(tenant, headers, resource="karanas"):
    items, after = [], ""
    while True:
        status, body, _ = call("GET", tenant.host("api"), f"/v2/{resource}?limit=500{after}", headers=headers)
        assert status == 200, body
        page = json.loads(body)
        items += page["items"]
        if not page["next"]:
            return items
        after = "&after=" + page["next"]


class Ledger:
    """Clients that note what they were promised: each keeps its connection, writes a record, reads it back, and goes on."""

    def __init__(self, tenant, headers, clients=6):
        self.tenant, self.headers = tenant, headers
        self.promised, self.failed, self.lock, self.stopping = {}, [], threading.Lock(), threading.Event()
        self.run = uuid.uuid4().hex[:8]
        self.pool = concurrent.futures.ThreadPoolExecutor(clients)
        self.work = [self.pool.submit(self.client, number) for number in range(clients)]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.pool.shutdown()

    def client(self, number):
        connection, count = None, 0
        while not self.stopping.is_set():
            count += 1
            name = f"ledger-{self.run}-{number}-{count}"
            # Every other client sends a key with its writes; nobody may try those of the rest again.
            extra = {"Idempotency-Key": name} if number % 2 else {}
            try:
                connection = connection or http.client.HTTPSConnection(self.tenant.host("api"), 443, timeout=30, context=tls())
                body = json.dumps({"name": name, "owner": None, "config": {}})
                connection.request("POST", "/v2/karanas", body, self.headers | {"Content-Type": "application/json"} | extra)
                answer = connection.getresponse()
                text = answer.read()
                assert answer.status == 201, f"{answer.status} {text[:200]!r}"
                path = answer.headers["Location"]
                with self.lock:
                    self.promised[name] = path
                connection.request("GET", path, headers=self.headers)
                answer = connection.getresponse()
                text = answer.read()
                assert answer.status == 200, f"{answer.status} {text[:200]!r}"
                if answer.will_close:
                    connection.close()
                    connection = None
            except (OSError, http.client.HTTPException, AssertionError) as error:
                with self.lock:
                    self.failed.append((time.time(), name, repr(error)))
                if connection:
                    connection.close()
                connection = None

    def end(self):
        self.stopping.set()
        self.pool.shutdown()
        for work in self.work:
            work.result()
        stored = [r["name"] for r in records(self.tenant, self.headers) if r["name"].startswith(f"ledger-{self.run}-")]
        lost = set(self.promised) - set(stored)
        assert not lost, f"lost: {sorted(lost)[:5]} and {len(lost)} in all"
        assert len(stored) == len(set(stored)), f"doubled: {len(stored) - len(set(stored))}"
        unknown = set(stored) - set(self.promised) - {name for _, name, _ in self.failed}
        assert not unknown, f"stored, and nobody was told: {sorted(unknown)[:5]}"
        return len(self.promised), self.failed


class Load:
    """wrk beside it: reads and writes mixed, on many connections."""

    def __init__(self, tenant, headers, seconds, connections=32):
        self.tenant, self.headers, self.connections = tenant, headers, connections
        self.prefix = "load-" + uuid.uuid4().hex[:8]
        self.process = subprocess.Popen(
            ["wrk", "--threads", "2", "--connections", str(connections), "--duration", f"{seconds}s", "--timeout", "30s", "--script", HERE / "load.lua",
             f"https://{tenant.host('api')}", "--", headers["Authorization"].removeprefix("Bearer "), self.prefix],
            stdout=subprocess.PIPE, text=True,
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def end(self):
        said = self.process.communicate(timeout=600)[0]
        line = re.search(r"LOAD (.*)", said)
        assert line, said
        counted = {k: int(v) for k, v in re.findall(r"(\w+)=(\d+)", line[1])}
        stored = [r["name"] for r in records(self.tenant, self.headers) if r["name"].startswith(self.prefix + "-")]
        assert len(stored) == len(set(stored)), "wrk's writes are doubled"
        # What was under way when wrk ended is stored, and wrk did not wait for the answer.
        assert counted["made"] <= len(stored) <= counted["made"] + self.connections + counted["receive"] + counted["timeout"], (counted, len(stored))
        return counted, line[1]


# --- The scenes ------------------------------------------------------------------------------------------------------

one, two = Tenant("one", 101), Tenant("two", 111)


@scene
def two_tenants_from_nothing():
    """lxd.yml to frontend_react.yml, over SSH."""
    play("lxd.yml", "haproxy.yml")
    play("instance.yml", "influx.yml", "grafana.yml", "api.yml", "frontend_react.yml", tenant=one)
    play("instance.yml", "influx.yml", "grafana.yml", "api.yml", tenant=two)
    passwords = [tenant.secret(key) for tenant in (one, two) for key in ("influx_admin_password", "grafana_admin_password", "admin_password", "seal_key")]
    assert len(set(passwords)) == len(passwords), "secrets that are alike"


@scene
def a_second_run_changes_nothing():
    for changed in (play("site.yml", "frontend_react.yml", tenant=one), play("instance.yml", "influx.yml", "grafana.yml", "api.yml", tenant=two)):
        assert changed and not any(changed.values()), changed


@scene
def wrong_variables_are_named_before_anything_is_done():
    def refused(rule, **variables):
        try:
            play("instance.yml", tenant=one, **variables)
        except AssertionError as error:
            assert rule in str(error), error
            return
        raise AssertionError(f"taken: {variables}")

    refused("pname must be 1 to 20 small letters", pname="Not A Name")
    refused("pname must not end with influx", pname="oneapi")
    refused("twoapi has one of the addresses already", apiip=two.addresses["api"])
    refused("apiip must be an IPv4 address", apiip="10.0.12.300")
    refused("'no idea'", influx_plain_http="no idea")


@scene
def each_name_leads_to_its_service():
    status, page, headers = call("GET", two.host(), "/")
    assert status == 200 and "assets/start-" in page, "the program's own page"
    assert "strict-transport-security" not in headers, "a certificate of one's own must not be held against the operator"
    status, page, headers = call("GET", one.host(), "/")
    policy, nonce = headers["Content-Security-Policy"], re.search(r"nonce-([0-9a-f]{32})", headers["Content-Security-Policy"])[1]
    assert status == 200 and nonce in page and "NONCE-OF" not in page and headers["Server"] == "nginx", headers
    assert nonce not in call("GET", one.host(), "/")[1], "a nonce of its own for each answer"
    assert policy.replace(nonce, "") == re.sub(r"nonce-[0-9a-f]+", "nonce-", call("GET", two.host(), "/")[2]["Content-Security-Policy"]), policy
    asset = re.search(r"assets/start-[^\"]+\.js", page)[0]
    status, _, headers = call("HEAD", one.host(), "/" + asset, headers={"Accept-Encoding": "br"})
    assert status == 200 and headers["Content-Encoding"] == "br" and "immutable" in headers["Cache-Control"], headers
    for tenant in (one, two):
        for host in (tenant.host(), tenant.host("api")):
            assert call("GET", host, "/health/ready")[:2] == (200, '{"status":"ready"}')
            assert call("GET", host, "/v2/me")[0] == 401
        assert call("GET", tenant.host("influx"), "/ping")[0] == 204
        assert call("GET", tenant.host("influx"), "/debug/vars")[0] == 404
        assert call("GET", tenant.host("grafana"), "/api/health")[0] == 200
    status, text, _ = call("GET", f"nobody.{DOMAIN}", "/v2/me")
    assert status == 404 or "Nobody lives here" in text, (status, text)


def serials(host):
    """The serial numbers of the certificates that a name is served with, over several connections: both balancers'."""
    found = set()
    for _ in range(8):
        with ssl.create_default_context(cafile=AUTHORITY).wrap_socket(socket.create_connection((host, 443), 10), server_hostname=host) as connection:
            found.add(connection.getpeercert()["serialNumber"])
    return found


@scene
def certificates_come_from_an_authority_and_are_renewed():
    """With Pebble, the authority that Let's Encrypt made for tests."""
    play("certificates.yml")
    assert not server("ls /etc/karana/certificates 2>/dev/null", check=False), "nobody has asked for ACME"
    root = urllib.request.urlopen("https://acme.test:15000/roots/0", context=ssl.create_default_context(cafile=ACME["acme_trust"])).read()
    AUTHORITY.write_bytes(root)
    play("haproxy.yml", "certificates.yml")
    for tenant in (one, two):
        for service in ("", "api", "grafana", "influx"):
            serials(tenant.host(service))
    assert len(serials(one.host())) == 1 and serials(one.host()) == serials(one.host("api")) != serials(two.host())
    assert "strict-transport-security" in call("GET", one.host("api"), "/health/live")[2]
    assert "Nobody lives here" in call("GET", f"nobody.{DOMAIN}", "/", self_signed=True)[1]
    again = play("haproxy.yml", "certificates.yml")
    assert again and not any(again.values()), again
    # Renewed, as its end comes near: taken up by the same processes, under connections that stay open.
    workers = [inside(inner, "pgrep haproxy") for inner in ("haproxy-1", "haproxy-2")]
    before = serials(one.host())
    connection = http.client.HTTPSConnection(one.host("api"), 443, timeout=60, context=tls())
    connection.request("GET", "/health/live")
    connection.getresponse().read()
    inside("nginx-default", "REQUESTS_CA_BUNDLE=/etc/letsencrypt/trust.pem certbot renew --cert-name one --force-renewal --quiet --no-random-sleep-on-renew")
    server("systemctl start karana-certificates.service")
    after = serials(one.host())
    assert len(after) == 1 and not before & after, (before, after)
    assert workers == [inside(inner, "pgrep haproxy") for inner in ("haproxy-1", "haproxy-2")], "no reload"
    connection.request("GET", "/health/live")
    assert connection.getresponse().status == 200
    # And what begins anew begins with it.
    inside("haproxy-1", "systemctl restart haproxy")
    until("both are in", 20, lambda: inside("haproxy-outer", INNER_UP, check=False).strip() == "4")
    assert serials(one.host()) == after
    assert server("systemctl is-enabled karana-certificates.timer").strip() == "enabled"


@scene
def http_leads_to_https_but_for_devices():
    status, _, headers = call("GET", one.host("api"), "/v2/me?a=b", plain=True)
    assert (status, headers["Location"]) == (308, f"https://{one.host('api')}/v2/me?a=b")
    assert call("GET", one.host("influx"), "/ping", plain=True)[0] == 204


@scene
def who_the_client_is_cannot_be_made_up():
    mark = uuid.uuid4().hex
    call("GET", one.host("api"), f"/v2/{mark}", headers={"X-Forwarded-For": "192.0.2.7", "Forwarded": "for=192.0.2.8", "X-Real-IP": "192.0.2.9"})
    line = json.loads(inside("oneapi", f"journalctl --unit karana --output json PATH=/v2/{mark}").splitlines()[-1])
    assert line["CLIENT"] == "198.51.100.1", line
    assert {"REQUEST_ID", "ACTOR", "METHOD", "STATUS", "DURATION_MS"} <= set(line), sorted(line)


@scene
def the_service_is_locked_in():
    said = inside("oneapi", "systemd-analyze security --no-pager karana.service")
    exposure = float(re.search(r"exposure level for karana.service: ([0-9.]+)", said)[1])
    assert exposure <= 1.2, exposure
    assert inside("oneapi", "systemctl --failed --no-legend").strip() == ""


@scene
def tenants_are_apart():
    """The seed's own calls, with httpie; then what the devices of one can do with the other."""
    def httpie(*arguments):
        done = subprocess.run(["http", "--ignore-stdin", "--verify=no", "--body", *arguments], capture_output=True, text=True, check=True)
        # The old server put JSON into a JSON string.
        return json.loads(json.loads(done.stdout))

    devices = {}
    for tenant in (one, two):
        api = f"https://{tenant.host('api')}/v1"
        answer = httpie("POST", f"{api}/users/login", f"user={tenant.admin}", f"password={tenant.secret('admin_password')}")
        token = answer["results"][0]["token"]
        person = {"name": "Micha", "role": "client", "email": "micha@all.de", "credentials": {"login": "micha@all.de", "password": "12345678"}}
        owner = httpie("POST", f"{api}/users/new", f"Authorization:bearer {token}", f"data={json.dumps(person)}")["results"][0]["uuid"]
        roof = json.dumps({"name": "Roof", "owner": owner, "config": {}})
        device = httpie("POST", f"{api}/karanas/new", f"Authorization:bearer {token}", f"data={roof}")["results"][0]["uuid"]
        karana = httpie("GET", f"{api}/karanas/{device}", f"Authorization:bearer {token}")["results"][0][device]
        devices[tenant] = owner, device, karana["config"]["password"]
    for tenant, (database, device, password) in devices.items():
        write = f"/write?db={database}&precision=s"

        def post(host, plain=False):
            return call("POST", host, write, f"solar,KID={device} volt=12.5", basic(device, password), plain)[0]

        until("the device can post", 30, lambda: post(tenant.host("influx")) == 204)
        assert post(tenant.host("influx"), plain=True) == 204
        other = two if tenant is one else one
        assert post(other.host("influx")) == 401
        status = call("POST", tenant.host("influx"), f"/write?db={devices[other][0]}", "solar volt=1", basic(device, password))[0]
        assert status in (403, 404), status
        # Nor from one container to another, past the balancers: that is refused.
        def reaches(address):
            return inside(f"{tenant.name}api", f"timeout 3 bash -c ': </dev/tcp/{address}/8086' 2>/dev/null; echo $?").strip()

        assert (reaches(tenant.addresses["influx"]), reaches(other.addresses["influx"])) == ("0", "1")
        until("Grafana has the owner", 30, lambda: call("GET", tenant.host("grafana"), f"/api/orgs/name/karana-{database}",
                                                        headers=basic("karanaadmin", tenant.secret("grafana_admin_password")))[0] == 200)
    one.device, two.device = devices[one], devices[two]


@scene
def nothing_fails_while_balancers_change_one_by_one():
    headers = one.sign_in()
    before = {inner: server(f"lxc exec {inner} -- cat /run/haproxy/loaded") for inner in ("haproxy-1", "haproxy-2")}
    with Ledger(one, headers) as ledger, Load(one, headers, 45) as load:
        play("haproxy.yml", requests_per_10s=900000)
        for inner, sum_ in before.items():
            assert server(f"lxc exec {inner} -- cat /run/haproxy/loaded") != sum_, f"{inner} was not reloaded"
        nothing_failed(load, ledger)


@scene
def nothing_fails_while_the_api_restarts_and_is_upgraded():
    headers = one.sign_in()
    newer = STAGE / "newer"
    shutil.rmtree(newer, ignore_errors=True)
    subprocess.run(["dpkg-deb", "--raw-extract", os.environ["KARANA_DEB"], newer], check=True)
    control = newer / "DEBIAN" / "control"
    control.write_text(re.sub(r"(?m)^Version: (.*)$", r"Version: \1+1", control.read_text()))
    subprocess.run(["dpkg-deb", "--root-owner-group", "-Zgzip", "-z1", "--build", newer, STAGE / "newer.deb"], check=True, stdout=subprocess.DEVNULL)
    process = "systemctl show --property MainPID --value karana.service"
    with Ledger(one, headers) as ledger, Load(one, headers, 60) as load:
        for _ in range(3):
            inside("oneapi", "systemctl restart karana.service")
            time.sleep(2)
        before = inside("oneapi", process)
        play("api.yml", tenant=one, path_b=str(STAGE / "newer.deb"))
        assert inside("oneapi", process) != before, "the upgrade restarts it"
        assert inside("oneapi", "dpkg-query --show --showformat '${Version}' karana").endswith("+1")
        nothing_failed(load, ledger)


def nothing_failed(load, ledger):
    counted, line = load.end()
    promised, failed = ledger.end()
    print(f"    {promised} writes promised and kept; {line}")
    assert promised > 20 and counted["made"] > 20, "that is no load"
    assert not failed, failed[:3]
    assert not sum(counted[key] for key in ("refused", "connect", "receive", "send", "timeout")), line


@scene
def a_killed_balancer_takes_only_what_it_holds():
    headers = one.sign_in()
    with Ledger(one, headers, clients=8) as ledger:
        time.sleep(3)
        killed = time.time()
        # With the process that would start it anew: the whole balancer is gone for a while.
        inside("haproxy-1", "systemctl kill --kill-whom=all --signal=KILL haproxy.service; systemctl stop haproxy.service")
        time.sleep(8)
        inside("haproxy-1", "systemctl start haproxy.service")
        time.sleep(5)
        promised, failed = ledger.end()
    late = [f for f in failed if f[0] > killed + 5]
    print(f"    {promised} writes promised and kept; {len(failed)} of 8 clients had their connection cut")
    # Each client has one connection, and so at most one request on the killed process.
    assert len(failed) <= 8 and not late, failed
    until("it is in again", 20, lambda: inside("haproxy-outer", INNER_UP, check=False).strip() == "4")


@scene
def a_lost_container_comes_back_from_the_backup():
    headers = one.sign_in()
    changed = play("restore.yml", tenant=one)
    assert not any(changed.values()), f"all is well, and yet: {changed}"
    status, body, answer = call("POST", one.host("api"), "/v2/karanas", {"name": "the last one", "owner": None, "config": {}}, headers)
    assert status == 201, body
    last = answer["Karana-Revision"]
    backup = "git --git-dir /srv/karana-backup/one/tables.git"
    until("it is pushed", 20, lambda: server(f"{backup} rev-parse main").strip() == last)
    points = f"/query?db={one.device[0]}&q=SELECT+count(volt)+FROM+solar"
    admin = basic("karanaadmin", one.secret("influx_admin_password"))
    counted = call("GET", one.host("influx"), points, headers=admin)[1]
    server("lxc delete --force oneapi")
    began = time.monotonic()
    play("restore.yml", tenant=one)
    took = time.monotonic() - began
    until("it answers", 10, lambda: call("GET", one.host("api"), "/health/ready")[0] == 200)
    print(f"    back after {took:.0f} s")
    assert server(f"{backup} rev-parse main").strip() == last
    headers = one.sign_in()
    assert "the last one" in [r["name"] for r in records(one, headers)]
    assert call("GET", one.host("influx"), points, headers=admin)[1] == counted, "the devices' data"
    database, device, password = one.device
    assert call("POST", one.host("influx"), f"/write?db={database}", f"solar,KID={device} volt=1", basic(device, password))[0] == 204
    # It goes on, and so does its backup.
    status, _, answer = call("POST", one.host("api"), "/v2/karanas", {"name": "the next one", "owner": None, "config": {}}, headers)
    assert status == 201
    until("it is pushed", 20, lambda: server(f"{backup} rev-parse main").strip() == answer["Karana-Revision"])
    assert took <= 120, took


@scene
def a_timer_looks_whether_it_is_alive():
    """The units of deploy/systemd, on the server itself: it has what runs the playbooks, and enters itself as we do."""
    # Ansible's environment is not copied but shared; its Python may lie where the server has none.
    packages = next(Path(shutil.which("ansible-playbook")).parents[1].glob("lib/python3*/site-packages"))
    playbook = f"#!/bin/sh\nexport PYTHONPATH={packages}\nexec /usr/bin/python3 -m ansible playbook \"$@\"\n"
    if packages.parent.name != server("readlink /usr/bin/python3").strip():
        print("    not tried: the server has another Python than this machine")
        return
    with tempfile.TemporaryDirectory(dir=STAGE) as folder:
        bring = Path(folder) / "deploy"
        shutil.copytree(DEPLOY, bring)
        for kept in (STAGE / "inventory", KEPT):
            shutil.copytree(kept, bring / kept.name.replace("kept", ""), dirs_exist_ok=True)
        shutil.copy(one.file, bring)
        enter = ["ssh", "-F", STAGE / "ssh_config", f"root@{DOMAIN}", "mkdir -p /opt/karana && tar --extract --no-same-owner --directory /opt/karana"]
        packed = subprocess.run(["tar", "--create", "--directory", folder, "deploy"], check=True, capture_output=True).stdout
        subprocess.run(enter, input=packed, check=True)
    server(f"""set -e
        mkdir -p /opt/karana/ansible/bin
        printf %s {shlex.quote(playbook)} > /opt/karana/ansible/bin/ansible-playbook
        chmod +x /opt/karana/ansible/bin/ansible-playbook
        echo {shlex.quote(Path(os.environ["ANSIBLE_VAULT_PASSWORD_FILE"]).read_text())} > /etc/karana/vault
        cat /root/.ssh/id_ed25519.pub >> /root/.ssh/authorized_keys
        ssh-keyscan {DOMAIN} > /root/.ssh/known_hosts 2>/dev/null
        cp /opt/karana/deploy/systemd/karana-restore@.* /etc/systemd/system/
        systemctl enable --now karana-restore@one.timer""")
    asked = "journalctl --unit karana-restore@one.service --output cat"
    until("it has looked", 60, lambda: "Finished" in server(asked))
    assert re.search(r"oneapi +: ok=\d+ +changed=0 ", server(asked)), server(asked)
    inside("oneapi", "systemctl stop karana.socket karana.service")
    # What the timer would do within a minute; it waits for an earlier look, and for its own end.
    server("systemctl start karana-restore@one.service")
    assert call("GET", one.host("api"), "/health/live")[0] == 200
    server("systemctl disable --now karana-restore@one.timer")


@scene
def a_tenant_moves_to_another_server():
    second = f"second.{DOMAIN}"
    # What the operator does: he names the server, and joins the two networks.
    hosts = STAGE / "inventory" / "hosts"
    hosts.write_text(hosts.read_text().replace("[backup]", f"{second} ansible_user=root lxd_network_address=10.0.13.1/24\n\n[backup]"))
    server("ip route replace 10.0.13.0/24 via 198.51.100.20")
    server("ip route replace 10.0.12.0/24 via 198.51.100.10", name=second)
    play("lxd.yml")
    headers = two.sign_in()
    before = records(two, headers), records(two, headers, "users")
    database, device, password = two.device
    admin = basic("karanaadmin", two.secret("influx_admin_password"))

    def points():
        return call("GET", two.host("influx"), f"/query?db={database}&q=SELECT+count(volt)+FROM+solar", headers=admin)[:2]

    counted = points()
    with contextlib.suppress(AssertionError):
        play("tenant_move.yml", tenant=two)
        raise RuntimeError("it is there already")
    two.file.write_text(two.file.read_text() + f"lxd_host: {second}\n")
    two.lives("10.0.13.101", "10.0.13.102", "10.0.13.103")
    began = time.monotonic()
    play("tenant_move.yml", tenant=two)
    print(f"    moved after {time.monotonic() - began:.0f} s")
    assert sorted(server("lxc list --format csv --columns n", name=second).split()) == ["twoapi", "twografana", "twoinflux"]
    headers = two.sign_in()
    assert (records(two, headers), records(two, headers, "users")) == before
    assert points() == counted
    until("the device can post", 60, lambda: call("POST", two.host("influx"), f"/write?db={database}", f"solar,KID={device} volt=1", basic(device, password))[0] == 204)
    # Karana reaches both back ends where they are now, and the backup where it was.
    def nothing_is_left_to_do():
        status, body, _ = call("GET", two.host("api"), "/v2/sync/plan", headers=headers)
        return status == 200 and json.loads(body)["actions"] == []

    until("all is in sync", 60, nothing_is_left_to_do)
    status, _, answer = call("POST", two.host("api"), "/v2/karanas", {"name": "after the move", "owner": None, "config": {}}, headers)
    assert status == 201
    until("it is pushed", 20, lambda: server("git --git-dir /srv/karana-backup/two/tables.git rev-parse main").strip() == answer["Karana-Revision"])
    # Whom it lets in has moved along.
    for container, expected in (("twoapi", "0"), ("oneapi", "1")):
        reach = f"timeout 3 bash -c ': </dev/tcp/{two.addresses['influx']}/8086' 2>/dev/null; echo $?"
        assert server(f"lxc exec {container} -- sh -c {shlex.quote(reach)}", name=second if container == "twoapi" else DOMAIN).strip() == expected
    again = play("instance.yml", "api.yml", tenant=two)
    assert again and not any(again.values()), again
    for container in ("twoapi", "twografana", "twoinflux"):
        assert server(f"lxc list --format csv --columns s '^{container}-moved$'").strip() == "STOPPED"
        server(f"lxc delete {container}-moved")


@scene
def a_tenant_goes_and_the_other_stays():
    try:
        play("tenant_remove.yml", tenant=two)
        raise RuntimeError("without confirmation")
    except AssertionError as error:
        assert "-e confirm=two" in str(error), error
    play("tenant_remove.yml", tenant=two, confirm="two")
    left = server("lxc list --format csv --columns n").split()
    assert sorted(left) == ["haproxy-1", "haproxy-2", "haproxy-outer", "nginx-default", "oneapi", "onegrafana", "oneinflux"], left
    assert server("lxc list --format csv --columns n", name=f"second.{DOMAIN}") == ""
    kept = KEPT / "backups" / "two"
    assert {p.name for p in kept.iterdir()} == {"twoapi.tar.gz", "twografana.tar.gz", "twoinflux.tar.gz"}
    listed = subprocess.run(["tar", "--list", "--gzip", "--file", kept / "twoapi.tar.gz"], check=True, capture_output=True, text=True).stdout
    assert "var/lib/karana/storage/tables.git/" in listed
    assert "Nobody lives here" in call("GET", two.host("api"), "/", self_signed=True)[1]
    certificates = inside("haproxy-1", "ls /etc/haproxy/acme") + inside("nginx-default", "ls /etc/letsencrypt/live")
    assert "one" in certificates and "two" not in certificates, certificates
    assert call("GET", one.host("api"), "/health/ready")[0] == 200


@scene
def too_many_requests_are_told_so():
    play("haproxy.yml", requests_per_10s=50)
    answers = [call("GET", one.host("api"), "/health/live") for _ in range(150)]
    statuses = [answer[0] for answer in answers]
    # Each of the two balancers counts for itself.
    assert statuses[0] == 200 and statuses[-1] == 429, statuses
    assert answers[-1][2]["Retry-After"] == "10" and json.loads(answers[-1][1])["status"] == 429


def main():
    KEPT.mkdir(exist_ok=True)
    vault = STAGE / "vault"
    if not vault.exists():
        vault.write_text(uuid.uuid4().hex)
    os.environ["ANSIBLE_VAULT_PASSWORD_FILE"] = str(vault)
    wanted = sys.argv[1:]
    passed = failed = 0
    for function in SCENES:
        if wanted and function.__name__ not in wanted:
            continue
        began = time.monotonic()
        try:
            function()
            passed += 1
            print(f"ok {function.__name__}, {time.monotonic() - began:.0f} s", flush=True)
        except Exception:
            failed += 1
            traceback.print_exc()
            print(f"FAILED {function.__name__}, {time.monotonic() - began:.0f} s", flush=True)
            # The rest stands on the first.
            if function is SCENES[0]:
                break
    print(f"\n{passed} scenes passed, {failed} failed")
    sys.exit(failed > 0 or passed == 0)


if __name__ == "__main__":
    main()
