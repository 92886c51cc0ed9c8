//! File systems of a test's own. Needs to be root.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A file system, unmounted when dropped.
pub struct Mounted(PathBuf);

impl Mounted {
    /// One in memory; none where nothing can be mounted.
    pub fn memory(at: &Path, size: &str) -> Option<Self> {
        Self::new(at, &["-t", "tmpfs", "-o", &format!("size={size}"), "karana-test"])
    }

    /// The one in an image file; none where nothing can be mounted.
    pub fn image(image: &Path, at: &Path, options: &str) -> Option<Self> {
        Self::new(at, &["-t", "ext4", "-o", &format!("loop,{options}"), image.to_str().unwrap()])
    }

    fn new(at: &Path, arguments: &[&str]) -> Option<Self> {
        fs::create_dir_all(at).unwrap();
        let mounted = Command::new("mount").args(arguments).arg(at).output();
        mounted.is_ok_and(|output| output.status.success()).then(|| Self(at.to_owned()))
    }

    /// The device it is on.
    pub fn device(&self) -> String {
        let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
        let here = self.0.to_str().unwrap();
        let line = mounts.lines().rev().find(|line| line.split(' ').nth(1) == Some(here));
        line.and_then(|line| line.split(' ').next()).expect("it is mounted").to_owned()
    }

    /// Unmounts it, and lets go of its image. Nobody may use it any more.
    pub fn unmount(self) {
        let output = Command::new("umount").arg(&self.0).output().expect("umount runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        std::mem::forget(self);
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}
