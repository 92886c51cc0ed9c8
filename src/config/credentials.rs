//! Credentials of systemd's: files that only this process can read (systemd.exec(5), `LoadCredential=`).

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use validator::ValidationError;

use super::value::rule;

/// Names the folder they lie in.
pub(super) const FOLDER_VARIABLE: &str = "CREDENTIALS_DIRECTORY";

/// Those whose names can be a setting's, `<section>.<key>`, until they are taken.
pub(super) struct Credentials(BTreeMap<String, PathBuf>);

impl Credentials {
    pub(super) fn in_folder(folder: Option<&Path>) -> Self {
        // A folder that cannot be read has none for us: the settings that are missing then are named.
        let files = folder.and_then(|folder| fs::read_dir(folder).ok()).into_iter().flatten();
        let named = |file: fs::DirEntry| Some((file.file_name().into_string().ok()?, file.path()));
        Self(files.flatten().filter_map(named).filter(|(name, _)| name.contains('.')).collect())
    }

    /// The value of one, without the newline that editors leave at the end; the rule that it breaks must not name it.
    pub(super) fn take(&mut self, name: &str) -> Option<Result<String, ValidationError>> {
        let text = fs::read_to_string(self.0.remove(name)?);
        Some(match text {
            Err(error) => Err(rule("readable", format!("cannot be read: {error}"))),
            Ok(text) => match text.trim() {
                line if line.contains(['\n', '\r']) => Err(rule("format", "must be one line")),
                line => Ok(line.to_owned()),
            },
        })
    }

    /// The names of those that nobody has taken.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}
