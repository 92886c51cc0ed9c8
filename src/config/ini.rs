//! The grammar of `config.ini`: sections, keys and raw values, with their lines.

use ini::{Ini, ParseOption};

use super::problems::{Place, Problem};
use crate::error::Finding;

/// A `[name]` line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) name: String,
    pub(super) line: usize,
}

/// A `key = value` line. The value is raw: all up to the end of the line, whitespace around it
/// trimmed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) section: String,
    pub(super) key: String,
    pub(super) value: String,
    pub(super) line: usize,
}

/// What a file says, in its order, and what is wrong with its form.
#[derive(Debug, Default)]
pub(super) struct Document {
    pub(super) headers: Vec<Header>,
    pub(super) entries: Vec<Entry>,
    pub(super) problems: Vec<Problem>,
}

impl Document {
    /// Reads `text` line by line.
    ///
    /// Each line is parsed as a document of its own, because over a whole file rust-ini joins a
    /// line that ends in a backslash with the next one even with escapes off, looks for the `=`
    /// of a line without one in the lines below, and takes an indented comment for a key. None
    /// of that is raw, and none of it would let us say in which line a key stands.
    pub(super) fn parse(text: &str) -> Document {
        let mut document = Document::default();
        for (i, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            let content = line.trim();
            if !content.is_empty() && !content.starts_with(['#', ';']) {
                document.take(content, i + 1);
            }
        }
        document
    }

    fn take(&mut self, content: &str, line: usize) {
        let raw = ParseOption { enabled_quote: false, enabled_escape: false, ..ParseOption::default() };
        // The parser's own message may quote the line, and with it a password.
        let Ok(parsed) = Ini::load_from_str_opt(content, raw) else {
            return self.refuse(
                line,
                "",
                "syntax",
                "is neither a [section], nor `key = value`, nor a comment on a line of its own",
            );
        };
        for (section, properties) in &parsed {
            if let Some(name) = section {
                self.open(name, line);
            }
            for (key, value) in properties {
                self.set(key, value, line);
            }
        }
    }

    fn open(&mut self, name: &str, line: usize) {
        if let Some(first) = self.headers.iter().find(|header| header.name == name) {
            let message = format!("is given twice, first in line {}", first.line);
            self.refuse(line, &format!("[{name}]"), "unique", message);
        }
        self.headers.push(Header { name: name.to_owned(), line });
    }

    fn set(&mut self, key: &str, value: &str, line: usize) {
        // A key that is no name is what stood before a `=` or `:` somewhere in a value.
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        if !key.chars().all(is_name) {
            return self.refuse(line, "", "syntax", "has no key: one word before a `=`");
        }
        let Some(header) = self.headers.last() else {
            return self.refuse(line, key, "section", "stands before the first [section]");
        };
        let section = header.name.clone();
        let field = format!("[{section}] {key}");
        if let Some(first) = self.entries.iter().find(|entry| entry.section == section && entry.key == key) {
            let message = format!("is given twice, first in line {}", first.line);
            return self.refuse(line, &field, "unique", message);
        }
        self.entries.push(Entry { section, key: key.to_owned(), value: value.trim().to_owned(), line });
    }

    fn refuse(&mut self, line: usize, field: &str, code: &str, message: impl Into<String>) {
        let finding = Finding::new(field, code, message);
        self.problems.push(Problem { place: Place::Line(line), finding });
    }
}
