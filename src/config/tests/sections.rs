//! The rules of the single sections.

use std::net::IpAddr;

use super::*;

#[test]
fn listen_addresses() {
    assert_eq!(config("[api]\nlisten = [::1]:0").api.listen, "[::1]:0".parse().unwrap());
    let api = config("[api]\nmode = production\nlisten = 0.0.0.0:80").api;
    assert_eq!((api.mode, api.cors_origins), (Mode::Production, vec![]));
    assert_refused(
        "[api]\nlisten = localhost",
        ":2: [api] listen: must be an address and a port, such as 127.0.0.1:8000 or [::1]:8000",
    );
    let loopback = "[api] listen: must be a loopback address in test mode, which has a known password";
    assert_refused("[api]\nlisten = [::]:80", &format!(":2: {loopback}"));
    assert_refused("[api]\nmode = test\nlisten = 10.0.0.1:80", &format!(":3: {loopback}"));
    assert_refused("[api]\nmode = prod\nlisten = 0.0.0.0:80", ":2: [api] mode: must be test or production");
}

#[test]
fn origins_and_urls() {
    let api = config("[api]\ncors_origins = https://a.example, http://b.example:81,\npublic_url = https://k.example.org/x/").api;
    assert_eq!(api.cors_origins, ["https://a.example", "http://b.example:81"]);
    assert_eq!(api.public_url.unwrap(), "https://k.example.org/x");
    for wrong in
        ["*", "a.example", "https://a.example/", "https://A.example", "https://a.example:443", "ftp://a"]
    {
        let [problem] = &problems(&format!("[api]\ncors_origins = {wrong}"))[..] else { panic!("{wrong}") };
        assert!(problem.starts_with(":2: [api] cors_origins: must hold origins as browsers"), "{problem}");
    }
    for wrong in
        ["k.example.org", "ftp://k.example.org", "https://u:p@k.example.org", "https://k.example.org/?a"]
    {
        assert_refused(
            &format!("[api]\npublic_url = {wrong}"),
            ":2: [api] public_url: must be an http or https URL without user, query and fragment",
        );
    }
}

#[test]
fn networks() {
    let api = config("[api]\ntrusted_proxies = 10.0.12.7, ::1\nmetrics_from = 10.1.2.3/8, 2001:db8::/32, ::ffff:192.168.0.0/112").api;
    let inside = |networks: &[Network], address: &str| {
        let address: IpAddr = address.parse().unwrap();
        networks.iter().any(|network| network.contains(address))
    };
    for address in ["10.255.0.1", "::ffff:10.0.0.1", "2001:db8::1", "192.168.3.4", "::ffff:192.168.3.4"] {
        assert!(inside(&api.metrics_from, address), "{address}");
    }
    for address in ["11.0.0.1", "2001:db9::1", "192.169.0.1"] {
        assert!(!inside(&api.metrics_from, address), "{address}");
    }
    assert!(inside(&api.trusted_proxies, "::ffff:10.0.12.7") && !inside(&api.trusted_proxies, "10.0.12.8"));
    assert_eq!(format!("{:?}", api.metrics_from), "[10.0.0.0/8, 2001:db8::/32, 192.168.0.0/16]");
    for wrong in ["10.0.0.0/33", "proxy", "10.0.0"] {
        assert_refused(
            &format!("[api]\nmetrics_from = {wrong}"),
            ":2: [api] metrics_from: must be an address or a network, such as 10.0.12.7 or 10.0.12.0/24",
        );
    }
}

#[test]
fn durations() {
    let config =
        config("[auth]\ntoken_ttl = 90s\naccess_ttl = 2min\nrefresh_ttl = 36500d\n[sync]\ninterval = 1h");
    assert_eq!(config.auth.token_ttl, Duration::from_secs(90));
    assert_eq!(config.auth.access_ttl, Duration::from_secs(120));
    assert_eq!(config.sync.interval, Duration::from_secs(3600));
    assert_refused("[sync]\ninterval = 0s", ":2: [sync] interval: must be longer than zero");
    for long in ["36501d", "99999999999999999999s", "18446744073709551615d"] {
        assert_refused(&format!("[sync]\ninterval = {long}"), ":2: [sync] interval: must be at most 36500d");
    }
    for wrong in ["5", "m", "5 m", "-5m", "1.5h", "5y", "5M", "5ä"] {
        let [problem] = &problems(&format!("[sync]\ninterval = {wrong}"))[..] else { panic!("{wrong}") };
        assert!(problem.contains("must be a number with the unit"), "{wrong}: {problem}");
    }
}

#[test]
fn fleet_units() {
    let fleet = config("[fleet]\nsignal_unit = min\npost_int_unit = 1s\nget_int_unit = h").fleet;
    assert_eq!(fleet.signal_unit, Duration::from_secs(60));
    assert_eq!(fleet.post_int_unit, Duration::from_secs(1));
    assert_eq!(fleet.get_int_unit, Duration::from_secs(3600));
    assert_refused(
        "[fleet]\nsignal_unit = week",
        ":2: [fleet] signal_unit: must be a unit of time: s, min or h",
    );
    assert_refused("[fleet]\nsignal_unit = 0s", ":2: [fleet] signal_unit: must be longer than zero");
}

#[test]
fn booleans() {
    for (word, meaning) in [
        ("true", true),
        ("Yes", true),
        ("on", true),
        ("1", true),
        ("false", false),
        ("NO", false),
        ("off", false),
        ("0", false),
    ] {
        assert_eq!(config(&format!("[sync]\ndrop_data = {word}")).sync.drop_data, meaning, "{word}");
    }
    assert_refused(
        "[sync]\ndrop_data = maybe",
        ":2: [sync] drop_data: must be true or false (or yes, no, on, off, 1, 0)",
    );
}

#[test]
fn hash_rounds_and_lengths() {
    assert_eq!(config("[auth]\nhash_rounds = 1000").auth.hash_rounds, 1000);
    for wrong in ["999", "1000001"] {
        assert_refused(
            &format!("[auth]\nhash_rounds = {wrong}"),
            ":2: [auth] hash_rounds: must be from 1000 to 1000000",
        );
    }
    assert_refused("[auth]\nhash_rounds = 1e5", ":2: [auth] hash_rounds: must be a whole number");
    assert_refused("[auth]\nhash_rounds = 4294967296", ":2: [auth] hash_rounds: is too large");
    let long = "x".repeat(201);
    assert_eq!(
        problems(&format!("[tenant]\nname = {long}\nid = {long}")),
        [
            ":2: [tenant] name: must be at most 200 characters long",
            ":3: [tenant] id: must be at most 64 characters long"
        ]
    );
}

#[test]
fn resources() {
    let enabled = |names: &str| config(&format!("[resources]\nenabled = {names}")).resources.enabled;
    assert_eq!(enabled("payments, karanas"), ["users", "karanas", "payments"]);
    assert_eq!(enabled("solar-panels_2"), ["users", "karanas", "solar-panels_2"]);
    for (wrong, message) in [
        ("a, a", "must not hold a name twice"),
        ("users, users", "must not hold a name twice"),
        ("Panels", "must hold names of lower-case letters"),
        ("2panels", "must hold names of lower-case letters"),
        ("a/b", "must hold names of lower-case letters"),
        ("sync", "must not hold a name that paths use otherwise: sync, keys, me,"),
        ("logout-all", "must not hold a name that paths use otherwise"),
    ] {
        let [problem] = &problems(&format!("[resources]\nenabled = {wrong}"))[..] else { panic!("{wrong}") };
        assert!(problem.starts_with(&format!(":2: [resources] enabled: {message}")), "{problem}");
    }
    assert_eq!(enabled(&"x".repeat(63)).len(), 3);
    assert_eq!(problems(&format!("[resources]\nenabled = {}", "x".repeat(64))).len(), 1);
}

#[test]
fn suspending_who_does_not_pay_needs_the_payments() {
    assert!(!config("").sync.suspend_unpaid);
    assert!(config("[sync]\nsuspend_unpaid = true").sync.suspend_unpaid);
    assert_refused(
        "[sync]\nsuspend_unpaid = true\n[resources]\nenabled = maintenances",
        ":2: [sync] suspend_unpaid: needs the resource payments, which [resources] enabled leaves out",
    );
    assert!(!config("[sync]\nsuspend_unpaid = no\n[resources]\nenabled = maintenances").sync.suspend_unpaid);
}

#[test]
fn influxdb() {
    let influxdb =
        config("[influxdb]\nhost = ::1\nuser = u\npass = p\nport = 18086\nretention = 30d").influxdb.unwrap();
    assert_eq!((influxdb.host.as_str(), influxdb.port), ("[::1]", 18086));
    assert_eq!((influxdb.device_host.as_str(), influxdb.device_port), ("[::1]", 18086));
    assert_eq!(influxdb.retention, Some(Duration::from_secs(30 * 24 * 3600)));
    let text = "[influxdb]\nhost = influx\nuser = u\npass = p\nssl = on\ndevice_host = data.example.org\ndevice_port = 443";
    let influxdb = config(text).influxdb.unwrap();
    assert_eq!((influxdb.port, influxdb.ssl), (8086, true));
    assert_eq!((influxdb.device_host.as_str(), influxdb.device_port), ("data.example.org", 443));
    assert_eq!(
        problems("[influxdb]\nhost = influx\nport = 0\ndevice_port = 65536\nretention = 59m"),
        [
            ": [influxdb] user: must be set when host is",
            ": [influxdb] pass: must be set when host is",
            ":3: [influxdb] port: must be a port from 1 to 65535",
            ":4: [influxdb] device_port: must be a port from 1 to 65535",
            ":5: [influxdb] retention: must be at least 1h",
        ]
    );
}

#[test]
fn an_influxdb_is_signed_in_to_with_a_password_or_a_token_or_both() {
    let influxdb = config("[influxdb]\nhost = influx\ntoken = t0k==\norg = Bintumani e.V.\nretention = 52w")
        .influxdb
        .unwrap();
    assert_eq!((influxdb.user.as_str(), influxdb.pass.expose()), ("", ""));
    assert_eq!(influxdb.token.as_ref().map(|token| token.expose()), Some("t0k=="));
    assert_eq!(influxdb.org.as_deref(), Some("Bintumani e.V."));
    assert_eq!(influxdb.retention, Some(Duration::from_secs(52 * 7 * 24 * 3600)));
    assert!(!format!("{influxdb:?}").contains("t0k"));
    let both = config("[influxdb]\nhost = influx\nuser = u\npass = p\ntoken = t").influxdb.unwrap();
    assert_eq!((both.user.as_str(), both.token.is_some(), both.org), ("u", true, None));
    assert_eq!(
        problems("[influxdb]\nhost = influx\nuser = u\ntoken = t"),
        [": [influxdb] pass: must be set when host is"],
        "half a login is none"
    );
    assert_eq!(
        problems("[influxdb]\nhost = influx\nuser = u\npass = p\norg = o"),
        [":5: [influxdb] org: is of an InfluxDB 2: set token, too"]
    );
}

#[test]
fn grafana() {
    let grafana =
        config("[grafana]\nhost = graf\nuser = u\npass = p\ninfluxdomain = influx.lan:8086").grafana.unwrap();
    assert_eq!(
        (grafana.port, grafana.ssl, grafana.influxdomain.as_deref()),
        (3000, false, Some("influx.lan:8086"))
    );
    assert_eq!((grafana.alerts, &grafana.alert_webhook), (false, &None));
    let here = "[grafana]\nhost = graf\nuser = u\npass = p\n";
    let alerts = format!("{here}alerts = yes\nalert_webhook = https://hooks.example/x?key=S3CRET#y");
    let grafana = config(&alerts).grafana.unwrap();
    assert!(grafana.alerts && !format!("{grafana:?}").contains("S3CRET"));
    assert_eq!(grafana.alert_webhook.unwrap().expose(), "https://hooks.example/x?key=S3CRET#y");
    assert_refused(
        &format!("{here}alert_webhook = http://x"),
        ":5: [grafana] alert_webhook: has no effect without `alerts = true`",
    );
    assert_refused(
        &format!("{here}alerts = true\nalert_webhook = S3CRET"),
        ":6: [grafana] alert_webhook: must be an http or https URL",
    );
    let text = "[grafana]\nhost = http://graf\nuser = u\nport = x\ninfluxdomain = a/b";
    assert_eq!(
        problems(text),
        [
            ":2: [grafana] host: must be a host without a scheme; for https say `ssl = true`",
            ":4: [grafana] port: must be a port from 1 to 65535",
            ":5: [grafana] influxdomain: must be a host name or an IP address, with or without a port",
        ]
    );
    for wrong in ["graf:3000", "graf/x", "a b"] {
        assert_refused(
            &format!("[grafana]\nhost = {wrong}\nuser = u\npass = p"),
            ":2: [grafana] host: must be a host name or an IP address, without port and path",
        );
    }
}

#[test]
fn webhooks() {
    let secret = "secret = whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    let given =
        config(&format!("[webhooks]\nurl = https://u:hunter2@a.example/x?k=1, http://b:81,\n{secret}"));
    let webhooks = given.webhooks.unwrap();
    assert_eq!(webhooks.urls, ["https://u:hunter2@a.example/x?k=1", "http://b:81/"]);
    assert_eq!(webhooks.key, (0..32).collect::<Vec<u8>>());
    assert_eq!(webhooks.events, EVENTS);
    let shown = format!("{webhooks:?}");
    assert!(!shown.contains("hunter2") && shown.contains("********"), "{shown}");
    let some = format!("[webhooks]\nurl = http://a\n{secret}\nevents = sync.failed, karana.offline");
    assert_eq!(config(&some).webhooks.unwrap().events, ["sync.failed", "karana.offline"]);
    // Without an address nothing is told, whatever else is said.
    assert_eq!(config(&format!("[webhooks]\n{secret}")).webhooks, None);
    assert_refused("[webhooks]\nurl = http://a", ": [webhooks] secret: must be set when url is");
    for wrong in ["ftp://a", "a.example", "http://a/#b", "http://a b"] {
        assert_refused(
            &format!("[webhooks]\nurl = {wrong}\n{secret}"),
            ":2: [webhooks] url: must hold http or https URLs without a fragment",
        );
    }
    assert_refused(
        &format!("[webhooks]\nurl = http://a, http://a/\n{secret}"),
        ":2: [webhooks] url: must not hold an address twice",
    );
    for wrong in ["hunter2", "whsec_", "whsec_aHVudGVyMg==", "whsec_###"] {
        let problems = problems(&format!("[webhooks]\nurl = http://a\nsecret = {wrong}"));
        assert!(problems.len() == 1 && problems[0].starts_with(":3: [webhooks] secret: must be whsec_ and"));
        assert!(!problems[0].contains("hunter2"));
    }
    assert_refused(
        &format!("[webhooks]\nurl = http://a\n{secret}\nevents = ,"),
        ":4: [webhooks] events: must hold an event: without the key all are told",
    );
    assert_refused(
        &format!("[webhooks]\nurl = http://a\n{secret}\nevents = karana.online, karana.gone"),
        ":4: [webhooks] events: must hold events that there are, not \"karana.gone\": karana.online, karana.late, karana.offline, sync.failed, sync.recovered",
    );
}
