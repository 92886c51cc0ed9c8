//! Files that are on the disk when a call answers, and whole or not there at all.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

/// Puts `content` in the place of the file at `path`, for its owner alone; a folder that is missing is made. Whatever
/// happens on the way, the file is as it was.
pub fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    let folder = parent(path);
    if !folder.exists() {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        File::open(parent(folder))?.sync_all()?;
    }
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(".new");
    // One left over from a crash may have another mode.
    match fs::remove_file(&unfinished) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&unfinished, path)?;
    File::open(folder)?.sync_all()
}

/// Removes a file, if it is there.
pub fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        removed => removed?,
    }
    File::open(parent(path))?.sync_all()
}

/// Syncs a folder with all that lies in it, and its name in the folder above.
pub fn sync_folder(path: &Path) -> io::Result<()> {
    sync_below(path)?;
    File::open(parent(path))?.sync_all()
}

fn sync_below(path: &Path) -> io::Result<()> {
    for item in fs::read_dir(path)? {
        let item = item?;
        if item.file_type()?.is_dir() {
            sync_below(&item.path())?;
        } else {
            File::open(item.path())?.sync_all()?;
        }
    }
    File::open(path)?.sync_all()
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."))
}
