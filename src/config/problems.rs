//! What is wrong with a configuration, and where.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::error::Finding;

/// Where a setting stands. The order is the order in which problems are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// Nowhere yet: the file as a whole, or a key that it lacks.
    File,
    /// The line of the file, from 1.
    Line(usize),
    Environment,
    /// A file that systemd handed in.
    Credential,
}

#[derive(Debug)]
pub(super) struct Problem {
    pub(super) place: Place,
    pub(super) finding: Finding,
}

/// All that is wrong with a configuration. Shown as one line per problem:
/// `config.ini:3: [api] listen: must be …` or `environment: KARANA_API_LISTEN: must be …`.
#[derive(Debug)]
pub struct ConfigErrors {
    file: Option<PathBuf>,
    problems: Vec<Problem>,
}

impl ConfigErrors {
    pub(super) fn new(file: Option<&Path>, mut problems: Vec<Problem>) -> Self {
        problems.sort_by_key(|problem| problem.place);
        Self { file: file.map(Path::to_path_buf), problems }
    }

    /// The problems in the order of the file, those of the environment and of credentials last. The field of each
    /// is `[section] key` or the name of the variable or credential; it is empty when the file or a line of it is
    /// wrong as a whole.
    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.problems.iter().map(|problem| &problem.finding)
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, Problem { place, finding }) in self.problems.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            match (place, &self.file) {
                (Place::Environment, _) => write!(f, "environment: {finding}")?,
                (Place::Credential, _) => write!(f, "credentials: {finding}")?,
                (Place::Line(line), Some(file)) => write!(f, "{}:{line}: {finding}", file.display())?,
                (_, Some(file)) => write!(f, "{}: {finding}", file.display())?,
                (_, None) => write!(f, "{finding}")?,
            }
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}
