//! Several processes started at the same moment on one storage: one has it, the others say so.

use crate::import::HASH;
use crate::operator::fine;
use crate::support::{Dice, Ended, Home, PATIENCE, Running, Server, times};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Barrier;

/// What a test-mode server makes at its first start.
const FIRST_ADMIN: &str = "admin@example.com";

#[derive(Debug, Clone, Copy, PartialEq)]
enum Racer {
    Serve,
    UserAdd,
    Import,
    Check,
    Export,
}

use Racer::{Check, Export, Import, Serve, UserAdd};

impl Racer {
    /// The e-mail address that it adds, or that its dump holds.
    fn email(self, round: usize, number: usize) -> Option<String> {
        matches!(self, UserAdd | Import).then(|| format!("r{round}-{number}@example.com"))
    }

    fn start(self, home: &Home, round: usize, number: usize) -> Running {
        let email = self.email(round, number).unwrap_or_default();
        let file = format!("dump-{round}-{number}.json");
        match self {
            Serve => home.start(&["serve"]),
            UserAdd => home.start(&["user", "add", "--email", &email]),
            Import => home.start(&["import", "--merge", &file]),
            Check => home.start(&["check"]),
            Export => home.start(&["export", "-"]),
        }
    }
}

/// Of what was started, who had the storage.
struct Race {
    server: Option<Server>,
    /// Commands that did what they were told, alone or by way of the server.
    done: Vec<(usize, Ended)>,
}

/// Starts all of them as close together as processes can be.
fn race(home: &Home, racers: &[Racer], round: usize) -> Race {
    let line = Barrier::new(racers.len());
    let started: Vec<Running> = std::thread::scope(|scope| {
        let start = |(number, racer): (usize, &Racer)| {
            let (line, racer) = (&line, *racer);
            scope.spawn(move || {
                line.wait();
                racer.start(home, round, number)
            })
        };
        let threads: Vec<_> = racers.iter().enumerate().map(start).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let mut race = Race { server: None, done: vec![] };
    for ((number, racer), running) in racers.iter().enumerate().zip(started) {
        let ended = if *racer == Serve {
            match running.ready(home, PATIENCE) {
                Ok(server) => {
                    assert!(race.server.is_none(), "two servers have one storage");
                    race.server = Some(server);
                    continue;
                }
                Err(ended) => ended,
            }
        } else {
            running.end(PATIENCE)
        };
        match ended.code {
            Some(0) => race.done.push((number, ended)),
            Some(1) => assert!(ended.stderr.contains("is in use by another process"), "{racer:?}: {ended:?}"),
            _ => panic!("{racer:?}: {ended:?}"),
        }
    }
    race
}

/// The e-mail address of each user.
fn emails(home: &Home) -> Vec<String> {
    let list = fine(home.run(&["user", "list"]));
    list.lines()
        .filter_map(|line| line.split_whitespace().find(|word| word.contains('@')))
        .map(str::to_owned)
        .collect()
}

fn dump(email: &str) -> Value {
    let uuid = format!("4e1fcc06-29f5-4b0c-a3a9-{:012x}", crc32fast::hash(email.as_bytes()));
    let user = json!({"uuid": uuid, "name": "Raced", "email": email, "role": "client", "karanas": [],
        "password_influx": "AAAABBBBCCCC1111", "credentials": {"login": email, "password": HASH},
        "created_at": "2017-03-02T15:26:11.767166+00:00"});
    json!({"users": {uuid: user}, "karanas": {}})
}

#[test]
fn one_process_has_the_storage_and_the_others_say_so() {
    const SEED: u64 = 1;
    let mut dice = Dice::new(SEED);
    let lasting = Home::new("");
    assert_eq!(lasting.serve().stop().code, Some(0));
    let mut known = BTreeSet::from([FIRST_ADMIN.to_owned()]);
    for round in 0..times(6, 100) {
        // A storage that has been there, and one that nobody has ever used.
        let first_start = round % 2 == 0;
        let home = if first_start { Home::new("") } else { lasting.clone() };
        let more = dice.below(3);
        let mut racers = vec![Serve, dice.one_of(&[Serve, UserAdd, Import])];
        racers.extend((0..more).map(|_| dice.one_of(&[Serve, UserAdd, Import, Check, Export])));
        let what = format!("seed {SEED}, round {round}, {racers:?}");
        for (number, racer) in racers.iter().enumerate().filter(|(_, racer)| **racer == Import) {
            let email = racer.email(round, number).unwrap_or_default();
            home.write(&format!("dump-{round}-{number}.json"), dump(&email).to_string());
        }

        let Race { server, done } = race(&home, &racers, round);
        assert!(server.is_some() || !done.is_empty(), "{what}: nobody had it");
        let mut expected = if first_start { BTreeSet::new() } else { known.clone() };
        let served = server.is_some();
        if let Some(server) = server {
            // What has not got the storage in the race has not kept anybody from reaching the server either.
            emails(&home);
            let ended = server.stop();
            assert_eq!(ended.code, Some(0), "{what}: {}", ended.stderr);
        }
        for (number, ended) in &done {
            expected.extend(racers[*number].email(round, *number));
            if racers[*number] == Export {
                let dump: Value = serde_json::from_str(&ended.stdout).unwrap();
                assert!(dump["users"].is_object(), "{what}: {dump}");
            }
        }
        if served && expected.is_empty() {
            expected.insert(FIRST_ADMIN.to_owned());
        }

        fine(home.run(&["check"]));
        let there = emails(&home);
        let unique: BTreeSet<_> = there.iter().cloned().collect();
        assert_eq!(unique.len(), there.len(), "{what}: somebody is there twice: {there:?}");
        // Whoever came before a server's first start has spared it making one.
        let surplus: Vec<_> = unique.difference(&expected).collect();
        assert!(surplus.is_empty() || served && surplus == [FIRST_ADMIN], "{what}: nobody added {surplus:?}");
        assert!(expected.is_subset(&unique), "{what}: of {expected:?} only {unique:?} are there");
        if home.storage().join("tables.git").exists() {
            home.git(&["fsck", "--full", "--strict"]);
        }
        if !first_start {
            known = unique;
        }
    }
}
