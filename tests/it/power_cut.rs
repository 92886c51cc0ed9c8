//! Power cuts: the storage on a file system of its own, of which only what had reached its disk is kept.
//!
//! A killed process loses nothing that it has handed to the system, synced or not. A power cut does. The file system is an
//! image that is mounted by way of a loop device, so there are two places: what the file system has sent to the device is
//! in the image file, what it has not is in its memory alone. A copy of the image file, taken while the file system is
//! mounted, is the disk as the cut leaves it. Mounting the copy recovers the file system's journal, as a boot would.
//!
//! A copy takes a while, and a disk does not change while the power is off. What could change it meanwhile:
//!
//! * The server. All of its threads are stopped before. One that is in the middle of a sync stops behind it, so the copy
//!   falls between two of the server's calls, not into one; what a call leaves half done, the tests of the log do by hand.
//! * The file system by itself. It would commit its journal every five seconds, and is told not to; the system's
//!   write-back takes what is half a minute old, and a round is shorter.
//!
//! Neither is taken on trust. The device counts the writes it is given: when it was idle before the copy and after it, with
//! the same count, the copy is of one moment. Otherwise it is taken again, the server still standing.
//!
//! Everything that was answered was answered before the threads were stopped, wherever the answer was on its way then: all
//! that the writers have read by the end must be in the copy.

use crate::support::oracle::{Oracle, Writers, karanas};
use crate::support::{Home, Mounted, PATIENCE, Server, times};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// A store is put aside for a new one after so many cuts: what one is about does not depend on its size.
const CUTS_PER_STORE: usize = 10;

/// Nothing is written to the device but what the server syncs.
const OPTIONS: &str = "commit=600,noatime";

/// A storage on a disk that is a file.
struct Machine {
    home: Home,
    mounted: Option<Mounted>,
}

impl Machine {
    /// None, and the reason on stderr, where this cannot be done.
    fn new() -> Option<Self> {
        let home = Home::new("");
        let image = fs::File::create(disk(&home)).unwrap();
        image.set_len(96 << 20).unwrap();
        let made = Command::new("mkfs.ext4").args(["-q", "-F"]).arg(disk(&home)).output();
        if !made.is_ok_and(|output| output.status.success()) {
            eprintln!("skipped: mkfs.ext4 does not run here");
            return None;
        }
        let mut machine = Self { home, mounted: None };
        machine.boot();
        if machine.mounted.is_none() {
            eprintln!("skipped: a file system cannot be mounted here");
        }
        machine.mounted.is_some().then_some(machine)
    }

    fn boot(&mut self) {
        self.mounted = Mounted::image(&disk(&self.home), &self.home.storage(), OPTIONS);
    }

    /// Cuts the power while the server runs, and turns it on again.
    fn cut(&mut self, server: Server) {
        let mounted = self.mounted.take().expect("it is on");
        let kept = self.home.path("kept");
        server.freeze();
        copy_of_one_moment(&disk(&self.home), &kept, &mounted.device());
        server.kill();
        // This writes what was lost to the image that nobody will look at again.
        mounted.unmount();
        fs::rename(kept, disk(&self.home)).unwrap();
        self.boot();
        assert!(self.mounted.is_some(), "the file system cannot be mounted after the cut");
    }
}

fn disk(home: &Home) -> PathBuf {
    home.path("disk")
}

/// How many writes, and of how many sectors, a device has completed, and how many are under way.
fn writes(device: &str) -> [u64; 3] {
    let name = device.trim_start_matches("/dev/");
    let stat = fs::read_to_string(format!("/sys/block/{name}/stat")).unwrap();
    let fields: Vec<u64> = stat.split_whitespace().map(|field| field.parse().unwrap()).collect();
    [fields[4], fields[6], fields[8]]
}

fn copy_of_one_moment(from: &Path, to: &Path, device: &str) {
    let begin = Instant::now();
    loop {
        let before = writes(device);
        let copied = Command::new("cp").arg("--sparse=always").args([from, to]).status().unwrap();
        assert!(copied.success());
        if before[2] == 0 && writes(device) == before {
            return;
        }
        assert!(begin.elapsed() < PATIENCE, "the device does not come to rest");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_survives_every_power_cut() {
    let cuts = times(6, 200);
    let mut written = 0;
    for first in (0..cuts).step_by(CUTS_PER_STORE) {
        let Some(mut machine) = Machine::new() else { return };
        let mut oracle = Oracle::default();
        let mut server = machine.home.serve();
        for cut in first..cuts.min(first + CUTS_PER_STORE) {
            let writers = Writers::start(&server.admin().await, cut);
            // The repository is synced once a second: before the first time, at it, and between it and the second.
            let moment = 50 + (cut as u64 * 7919) % 1600;
            tokio::time::sleep(Duration::from_millis(moment)).await;
            machine.cut(server);
            let told = writers.told().await;
            server = machine.home.serve();
            let compared = oracle.compare(told, karanas(&server).await);
            compared.unwrap_or_else(|wrong| panic!("cut {cut}, after {moment} ms: {wrong}"));
        }
        let ended = server.stop();
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        machine.home.git(&["fsck", "--full", "--strict"]);
        written += oracle.known().len();
    }
    assert!(written > 10 * cuts, "too little was written to mean anything: {written}");
}

/// That the cuts above lose nothing means something only if they lose what is not synced.
#[tokio::test(flavor = "multi_thread")]
async fn a_power_cut_loses_what_was_not_synced() {
    let Some(mut machine) = Machine::new() else { return };
    let server = machine.home.serve();
    machine.home.write("storage/synced", "");
    fs::File::open(machine.home.path("storage/synced")).unwrap().sync_all().unwrap();
    fs::File::open(machine.home.storage()).unwrap().sync_all().unwrap();
    machine.home.write("storage/unsynced", "");
    machine.cut(server);
    assert!(machine.home.path("storage/synced").exists());
    assert!(!machine.home.path("storage/unsynced").exists());
}
