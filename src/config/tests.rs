use std::time::Duration;

use super::*;

mod sections;

/// Loads `text` as `config.ini` in a folder of its own, with `env`.
fn load(text: &str, env: &[(&str, &str)]) -> Result<(Config, tempfile::TempDir), ConfigErrors> {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("config.ini");
    std::fs::write(&file, text).unwrap();
    Config::load(Some(&file), variables(env)).map(|config| (config, dir))
}

fn variables(env: &[(&str, &str)]) -> Vec<(String, String)> {
    env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn config(text: &str) -> Config {
    load(text, &[]).unwrap_or_else(|errors| panic!("refused:\n{errors}")).0
}

/// The problems as they are shown, with the folder of the file cut off.
fn problems_with(text: &str, env: &[(&str, &str)]) -> Vec<String> {
    let errors = match load(text, env) {
        Ok((config, _)) => panic!("accepted: {config:?}"),
        Err(errors) => errors.to_string(),
    };
    let short = |line: &str| line.split_once("/config.ini").map_or(line, |(_, rest)| rest).to_owned();
    errors.lines().map(short).collect()
}

fn problems(text: &str) -> Vec<String> {
    problems_with(text, &[])
}

#[track_caller]
fn assert_refused(text: &str, problem: &str) {
    assert_eq!(problems(text), [problem]);
}

#[test]
fn defaults_without_settings() {
    let (config, dir) = load("", &[]).unwrap();
    let expected = Config {
        api: Api {
            mode: Mode::Test,
            listen: "127.0.0.1:8000".parse().unwrap(),
            cors_origins: vec!["http://localhost:3000".into()],
            trusted_proxies: vec![],
            public_url: None,
            v1_deprecated: None,
            metrics_from: vec![],
        },
        tenant: Tenant { id: "SMNTYQIUB4YTC".into(), name: "Bintumani e.V.".into() },
        storage: Storage { path: dir.path().join("storage"), remote: None },
        auth: Auth {
            token_ttl: Duration::from_secs(12 * 3600),
            access_ttl: Duration::from_secs(15 * 60),
            refresh_ttl: Duration::from_secs(30 * 24 * 3600),
            hash_rounds: 100_000,
        },
        resources: Resources {
            enabled: ["users", "karanas", "maintenances", "payments"].map(String::from).into(),
            dir: dir.path().join("resources.d"),
            dir_is_named: false,
        },
        influxdb: None,
        grafana: None,
        sync: Sync {
            on_change: true,
            interval: Duration::from_secs(300),
            drop_data: false,
            suspend_unpaid: false,
        },
        fleet: Fleet {
            signal_unit: Duration::from_secs(1),
            post_int_unit: Duration::from_secs(60),
            get_int_unit: Duration::from_secs(3600),
        },
        webhooks: None,
        credentials: None,
        file: Some(dir.path().join("config.ini")),
    };
    assert_eq!(config, expected);
}

const SAMPLE: &str = include_str!("../../config.ini.sample");

#[test]
fn the_sample_is_the_defaults() {
    let mut sample = config(SAMPLE);
    let mut empty = config("");
    // Each was loaded from a folder of its own.
    for config in [&mut sample, &mut empty] {
        config.file = None;
        config.storage.path = PathBuf::new();
        config.resources.dir = PathBuf::new();
    }
    assert_eq!(sample, empty);
}

/// So no key of the sample is misspelt, and each value in it is a good one.
#[test]
fn the_sample_loads_with_every_key_uncommented() {
    let uncommented: Vec<&str> = SAMPLE
        .lines()
        .map(|line| {
            line.strip_prefix('#')
                .filter(|rest| rest.starts_with(|c: char| c.is_ascii_lowercase()))
                .unwrap_or(line)
        })
        .collect();
    let config = config(&uncommented.join("\n"));
    assert_eq!(config.influxdb.unwrap().device_host, "10.0.12.101");
    assert_eq!(config.grafana.unwrap().pass.expose(), "karanapasswort");
}

#[test]
fn every_key_of_the_sample_is_a_variable() {
    let mut env = Vec::new();
    let mut section = String::new();
    for line in SAMPLE.lines() {
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']').to_uppercase();
        } else if let Some((key, value)) = line.strip_prefix('#').and_then(|line| line.split_once(" ="))
            && key.chars().all(|c| c.is_ascii_lowercase() || c == '_')
        {
            env.push((format!("KARANA_{section}_{}", key.to_uppercase()), value.to_owned()));
        }
    }
    assert_eq!(env.len(), 49);
    let (config, _dir) =
        load("", &env.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect::<Vec<_>>()).unwrap();
    assert_eq!(config.influxdb.unwrap().user, "admin");
}

#[test]
fn values_are_raw_to_the_end_of_the_line() {
    for pass in [
        r"end\",
        r"\\",
        r"a\nb",
        r"\x41",
        r#""quoted""#,
        r#"half"quote"#,
        "'single'",
        "a;b",
        "a ; b",
        "a # b",
        "#a",
        ";a",
        "a=b:c",
        "[x]",
        "=",
        "a  b",
        "ä€",
        "%s$HOME`ls`",
    ] {
        let text = format!("[influxdb]\nhost = h\nuser = u\npass = {pass}  \nssl = true\n");
        let influxdb = config(&text).influxdb.unwrap();
        assert_eq!(influxdb.pass.expose(), pass);
        assert!(influxdb.ssl, "the line after {pass:?} was swallowed");
    }
}

#[test]
fn forms_of_lines() {
    let text = "\u{feff}; comment\r\n  # indented = comment\r\n\r\n[ tenant ]\r\n\t id=A B\r\n  name : n  \r\n  [sync]\r\non_change=no";
    let config = config(text);
    assert_eq!(config.tenant, Tenant { id: "A B".into(), name: "n".into() });
    assert!(!config.sync.on_change);
}

#[test]
fn broken_lines_are_numbered_and_not_quoted() {
    let text = "early = 1\n[tenant\nhunter2\n[tenant]\nmy hunter2 = 1\n= hunter2\n[api] # note\n";
    let form = "is neither a [section], nor `key = value`, nor a comment on a line of its own";
    assert_eq!(
        problems(text),
        [
            ":1: early: stands before the first [section]".to_owned(),
            format!(":2: {form}"),
            format!(":3: {form}"),
            ":5: has no key: one word before a `=`".to_owned(),
            format!(":6: {form}"),
            format!(":7: {form}"),
        ]
    );
}

#[test]
fn what_is_given_twice_or_unknown_is_named() {
    let text = "[tenant]\nid = a\n[tenant]\nid = b\n[nope]\nx = 1\n[API]\n[sync]\nintervall = 5m\n[test]\nport = 1\nhots = x";
    let env =
        [("KARANA_SYNC_ONCHANGE", "1"), ("KARANA_LOG", "debug"), ("KARANA_HOME", "/"), ("PATH", "/bin")];
    assert_eq!(
        problems_with(text, &env),
        [
            ":3: [tenant]: is given twice, first in line 1",
            ":4: [tenant] id: is given twice, first in line 2",
            ":5: [nope]: is no known section",
            ":7: [API]: is no known section",
            ":9: [sync] intervall: is no known key",
            ":12: [test] hots: is no known key",
            "environment: KARANA_SYNC_ONCHANGE: is no known key",
        ]
    );
}

#[test]
fn the_environment_wins_unless_empty() {
    let text = "[tenant]\nid = file\nname = file\n[sync]\ninterval = never\n";
    let env = [("KARANA_TENANT_ID", " env "), ("KARANA_TENANT_NAME", " "), ("KARANA_SYNC_INTERVAL", "1m")];
    let (config, _dir) = load(text, &env).unwrap();
    assert_eq!(config.tenant, Tenant { id: "env".into(), name: "file".into() });
    assert_eq!(config.sync.interval, Duration::from_secs(60));
    assert_eq!(
        problems_with("", &[("KARANA_SYNC_INTERVAL", "never")]),
        [
            "environment: KARANA_SYNC_INTERVAL: must be a number with the unit s, m, h, d or w, such as 90s, 15m, 12h, 30d or 52w"
        ]
    );
}

#[test]
fn empty_values_are_not_set() {
    let config = config("[api]\nlisten =\n[influxdb]\nhost =\nuser = \n[storage]\nremote =");
    assert_eq!(config.api.listen.port(), 8000);
    assert_eq!((config.influxdb, config.storage.remote), (None, None));
}

#[test]
fn paths_count_from_the_folder_of_the_file() {
    let (config, dir) =
        load("[storage]\npath = data\nremote = backup.git\n[resources]\ndir = /etc/karana", &[]).unwrap();
    assert_eq!(config.storage.path, dir.path().join("data"));
    assert_eq!(config.storage.remote.unwrap(), dir.path().join("backup.git").to_str().unwrap());
    assert_eq!(config.resources.dir, Path::new("/etc/karana"));
    for remote in ["git@host:karana.git", "ssh://host/karana.git"] {
        assert_eq!(self::config(&format!("[storage]\nremote = {remote}")).storage.remote.unwrap(), remote);
    }
}

#[test]
fn without_a_file_the_defaults_count_from_the_current_folder() {
    // The folder of the tests is the package's, which holds no config.ini.
    let config = Config::load(None, []).unwrap();
    assert_eq!((config.file, config.api.mode), (None, Mode::Test));
    assert_eq!(config.storage.path, std::env::current_dir().unwrap().join("storage"));
    let errors = Config::load(None, variables(&[("KARANA_API_MODE", "x")])).unwrap_err();
    assert_eq!(errors.to_string(), "environment: KARANA_API_MODE: must be test or production");
}

#[test]
fn a_named_file_must_be_readable() {
    let dir = tempfile::tempdir().unwrap();
    for file in [dir.path().join("absent.ini"), dir.path().to_path_buf()] {
        let errors = Config::load(Some(&file), []).unwrap_err().to_string();
        assert!(errors.starts_with(&format!("{}: cannot be read: ", file.display())), "{errors}");
    }
    let latin1 = dir.path().join("latin1.ini");
    std::fs::write(&latin1, b"[tenant]\nname = \xe4").unwrap();
    assert!(Config::load(Some(&latin1), []).unwrap_err().to_string().contains("UTF-8"));
}

#[test]
fn passwords_are_hidden() {
    let text = "[influxdb]\nhost = h\nuser = u\npass = hunter2\n[grafana]\nhost = h\nuser = u\npass = hunter2\n[storage]\nremote = https://me:hunter2@git.example/k.git";
    let shown = format!("{:?}", config(text));
    assert!(!shown.contains("hunter2") && shown.contains("pass: ********"), "{shown}");
    assert!(shown.contains("https://********@git.example/k.git"), "{shown}");
    let errors = problems(&format!("{text}\n[influxdb]\npass = hunter3\nhunter2 hunter2\n"));
    assert!(errors.len() == 3 && !errors.concat().contains("hunter"), "{errors:?}");
}

#[test]
fn commands_do_without_the_credentials_of_the_server() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("config.ini");
    let text = "[influxdb]\nhost = h\nuser = u\n[webhooks]\nurl = https://x.example\n";
    std::fs::write(&file, text).unwrap();
    assert!(Config::load(Some(&file), []).is_err());
    let config = Config::load_without_secrets(Some(&file), []).unwrap();
    assert_eq!((config.influxdb.unwrap().pass.expose(), config.webhooks), ("", None));
    std::fs::write(&file, "[influxdb]\nhost = h\nuser = u\nport = x\n").unwrap();
    let errors = Config::load_without_secrets(Some(&file), []).unwrap_err().to_string();
    assert!(errors.contains("[influxdb] port") && !errors.contains("pass"), "{errors}");
}

#[test]
fn credentials_win_over_the_file_and_not_over_the_environment() {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    put("influxdb.pass", "  of the credential\n");
    put("influxdb.user", "of the credential");
    put("influxdb.org", "");
    put("seal.keys", "not a setting\n");
    let text = "[influxdb]\nhost = h\nuser = file\npass = file\n";
    let credentials = ("CREDENTIALS_DIRECTORY", folder.path().to_str().unwrap());
    let (config, _dir) = load(text, &[credentials, ("KARANA_INFLUXDB_USER", "env")]).unwrap();
    let influxdb = config.influxdb.unwrap();
    assert_eq!((influxdb.user.as_str(), influxdb.pass.expose()), ("env", "of the credential"));

    put("influxdb.pass", "hunter2\nhunter3\n");
    put("influxdb.port", "hunter2");
    put("influxdb.pas", "hunter2");
    assert_eq!(
        problems_with("", &[credentials]),
        [
            "credentials: influxdb.pass: must be one line",
            "credentials: influxdb.port: must be a port from 1 to 65535",
            "credentials: influxdb.pas: is no known key",
        ]
    );
}
