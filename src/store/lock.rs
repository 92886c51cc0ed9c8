//! The storage folder's lock, and who may have it.

use super::open::{OpenError, folder};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write as _};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

/// Users below it are those of services, on Debian and elsewhere.
const FIRST_PERSON: u32 = 1000;

/// One process at a time: the lock goes with the process, however it ends.
pub fn lock(path: &Path) -> Result<File, OpenError> {
    let is_root = rustix::process::geteuid().is_root();
    let owner_of = |path: &Path| {
        let metadata = fs::metadata(path).map_err(folder(path, "looking at the storage folder"))?;
        Ok::<_, OpenError>(metadata.uid())
    };
    // What root makes in the home of a service, the service could not open. In a person's, it is what root was called for.
    if is_root && !path.exists() {
        let home = path.ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("."));
        let owner = owner_of(home)?;
        if (1..FIRST_PERSON).contains(&owner) {
            return Err(foreign(home, owner));
        }
    }
    // Other users of the machine have no business with credentials.
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(folder(path, "creating the storage folder"))?;
    // What root makes there, the service could not open any more. That it runs, root may learn.
    let owner = owner_of(path)?;
    let is_foreign = owner != 0 && is_root;
    let name = path.join("lock");
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(!is_foreign)
        .truncate(false)
        .mode(0o600)
        .open(&name)
        .map_err(|error| {
            if is_foreign { foreign(path, owner) } else { folder(&name, "opening the storage's lock")(error) }
        })?;
    match rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
        Ok(()) if is_foreign => return Err(foreign(path, owner)),
        Ok(()) => {}
        Err(rustix::io::Errno::WOULDBLOCK) => {
            let mut holder = String::new();
            let _ = file.read_to_string(&mut holder);
            let holder =
                holder.trim().parse::<u32>().map(|pid| format!(" (process {pid})")).unwrap_or_default();
            return Err(OpenError::Locked { path: path.to_owned(), holder });
        }
        Err(e) => return Err(folder(&name, "locking the storage")(e.into())),
    }
    let noted = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
    noted.map_err(folder(&name, "writing the storage's lock"))?;
    Ok(file)
}

fn foreign(path: &Path, owner: u32) -> OpenError {
    let become_it = match name_of_user(owner) {
        Some(name) => format!("runuser -u {name} --"),
        None => format!("setpriv --reuid {owner} --clear-groups"),
    };
    let source = io::Error::other(format!(
        "belongs to the user {owner}, and root must not write there: as the server's user, `{become_it} karana …`"
    ));
    OpenError::Folder { path: path.to_owned(), step: "opening the storage folder", source }
}

/// What a local user is called.
fn name_of_user(id: u32) -> Option<String> {
    let users = fs::read_to_string("/etc/passwd").ok()?;
    let mut users = users.lines().map(|line| line.split(':').collect::<Vec<_>>());
    users.find_map(|user| (user.get(2)?.parse() == Ok(id)).then(|| user[0].to_owned()))
}
