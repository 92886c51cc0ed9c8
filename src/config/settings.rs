//! The settings as text, from the file, systemd's credentials and the environment. What has been asked for is what is
//! known: the code that reads the sections is the only list of keys, and what remains in the end
//! is refused as unknown.

use std::collections::{BTreeMap, HashMap};

use validator::{Validate, ValidationError, ValidationErrorsKind};

use super::credentials::Credentials;
use super::ini::{Document, Entry, Header};
use super::problems::{Place, Problem};
use crate::error::Finding;

const VARIABLE_PREFIX: &str = "KARANA_";

/// All settings that were given, until a section takes them.
pub(super) struct Settings {
    headers: Vec<Header>,
    entries: Vec<Entry>,
    variables: BTreeMap<String, String>,
    credentials: Credentials,
    sections: Vec<&'static str>,
    /// Whether what is required may be missing.
    lenient: bool,
    problems: Vec<Problem>,
}

impl Settings {
    pub(super) fn new(
        text: &str,
        mut variables: BTreeMap<String, String>,
        credentials: Credentials,
    ) -> Settings {
        let Document { headers, entries, problems } = Document::parse(text);
        variables.retain(|name, _| name.starts_with(VARIABLE_PREFIX));
        Settings { headers, entries, variables, credentials, sections: Vec::new(), lenient: false, problems }
    }

    /// Lets settings be missing that are required: a credential may hold them that we have not been handed.
    pub(super) fn be_lenient(&mut self) {
        self.lenient = true;
    }

    /// The section `name`, which is known from now on.
    pub(super) fn section(&mut self, name: &'static str) -> Section<'_> {
        self.sections.push(name);
        Section { name, settings: self, places: HashMap::new() }
    }

    /// All problems, those with what nobody asked for included.
    pub(super) fn finish(mut self) -> Vec<Problem> {
        let known = |section: &str| self.sections.contains(&section);
        for header in self.headers.iter().filter(|header| !known(&header.name)) {
            let finding = Finding::new(format!("[{}]", header.name), "unknown", "is no known section");
            self.problems.push(Problem { place: Place::Line(header.line), finding });
        }
        for entry in self.entries.iter().filter(|entry| known(&entry.section)) {
            let field = format!("[{}] {}", entry.section, entry.key);
            let finding = Finding::new(field, "unknown", "is no known key");
            self.problems.push(Problem { place: Place::Line(entry.line), finding });
        }
        // Others (KARANA_LOG, a variable of some script) are not ours to judge.
        let ours = |name: &str| self.sections.iter().any(|section| name.starts_with(&variable(section, "")));
        for name in self.variables.keys().filter(|name| ours(name)) {
            let finding = Finding::new(name, "unknown", "is no known key");
            self.problems.push(Problem { place: Place::Environment, finding });
        }
        for name in self.credentials.names().filter(|name| known(name.split('.').next().unwrap_or_default()))
        {
            let finding = Finding::new(name, "unknown", "is no known key");
            self.problems.push(Problem { place: Place::Credential, finding });
        }
        self.problems
    }

    /// Takes one setting out. The environment wins, then a credential; empty is as good as absent.
    fn take(&mut self, section: &str, key: &str) -> Option<(String, Place)> {
        let in_file = self.entries.iter().position(|entry| entry.section == section && entry.key == key);
        let in_file =
            in_file.map(|i| self.entries.remove(i)).map(|entry| (entry.value, Place::Line(entry.line)));
        let in_env = self.variables.remove(&variable(section, key));
        let in_env = in_env.map(|value| (value.trim().to_owned(), Place::Environment));
        let in_credential = match self.credentials.take(&credential(section, key)) {
            None => None,
            Some(Ok(value)) => Some((value, Place::Credential)),
            Some(Err(rule)) => {
                let message = rule.message.unwrap_or_default();
                let finding = Finding::new(credential(section, key), rule.code, message);
                self.problems.push(Problem { place: Place::Credential, finding });
                None
            }
        };
        [in_env, in_credential, in_file].into_iter().flatten().find(|(value, _)| !value.is_empty())
    }
}

fn variable(section: &str, key: &str) -> String {
    format!("{VARIABLE_PREFIX}{section}_{key}").to_ascii_uppercase()
}

fn credential(section: &str, key: &str) -> String {
    format!("{section}.{key}")
}

/// One section while it is read.
pub(super) struct Section<'a> {
    name: &'static str,
    settings: &'a mut Settings,
    places: HashMap<&'static str, Place>,
}

impl Section<'_> {
    /// The value of `key`; `None` when it is not set, and when `parse` refuses it, which is then
    /// a problem.
    pub(super) fn get<T>(
        &mut self,
        key: &'static str,
        parse: impl FnOnce(&str) -> Result<T, ValidationError>,
    ) -> Option<T> {
        let (value, place) = self.settings.take(self.name, key)?;
        self.places.insert(key, place);
        parse(&value).map_err(|rule| self.refuse(key, rule)).ok()
    }

    /// Whether the value of `key` was set, be it well or badly.
    pub(super) fn is_set(&self, key: &str) -> bool {
        self.places.contains_key(key)
    }

    /// Notes that `key` breaks `rule`.
    pub(super) fn refuse(&mut self, key: &str, rule: ValidationError) {
        if self.settings.lenient && rule.code == "required" && !self.is_set(key) {
            return;
        }
        let place = self.places.get(key).copied().unwrap_or(Place::File);
        let field = match place {
            Place::Environment => variable(self.name, key),
            Place::Credential => credential(self.name, key),
            Place::File | Place::Line(_) => format!("[{}] {key}", self.name),
        };
        let message = rule.message.unwrap_or_else(|| format!("breaks the rule `{}`", rule.code).into());
        self.settings.problems.push(Problem { place, finding: Finding::new(field, rule.code, message) });
    }

    /// Notes every rule that `section`, whose fields are named as the keys, declares and breaks.
    pub(super) fn check(&mut self, section: &impl Validate) {
        let broken = section.validate().err().map(|errors| errors.into_errors()).unwrap_or_default();
        for (key, kind) in broken {
            if let ValidationErrorsKind::Field(rules) = kind {
                for rule in rules {
                    self.refuse(&key, rule);
                }
            }
        }
    }
}
