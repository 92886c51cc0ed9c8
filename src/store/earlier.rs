//! What the store was last opened with: the definitions in its `resources.json`, against those of today.

use super::journal::Loaded;
use super::meta::{self, Meta};
use super::open::Fault;
use crate::error::Finding;
use crate::resource::{Definition, Kind, Kinds};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeSet;

/// The definitions that were in force when the store was written.
pub struct Earlier {
    definitions: Vec<Definition>,
    /// Whether secrets are sealed at all.
    sealed: bool,
}

impl Earlier {
    pub fn read(loaded: &Loaded, meta: &Meta) -> Self {
        let text =
            loaded.documents.iter().find(|(name, _)| name == meta::RESOURCES).map(|(_, text)| text.as_str());
        // One that cannot be read is written anew; until then it allows nothing.
        let document: Value = serde_json::from_str(text.unwrap_or("{}")).unwrap_or_default();
        let definitions = document["resources"].as_array().into_iter().flatten();
        let definitions =
            definitions.filter_map(|definition| Definition::deserialize(definition).ok()).collect();
        Self { definitions, sealed: meta.is_sealed() }
    }

    fn of(&self, name: &str) -> Option<&Definition> {
        self.definitions.iter().find(|definition| definition.name == name)
    }

    /// Whether a secret lies open: it was none then, or the store is of a time before there were seals.
    pub fn lies_open(&self, kind: &Kind, secret: &str) -> bool {
        !self.sealed || self.of(kind.name()).is_some_and(|then| then.secrets().all(|path| path != secret))
    }

    /// The resources with secrets that lie open.
    pub fn to_be_sealed(&self, kinds: &Kinds) -> Vec<usize> {
        let lies_open = |kind: &&Kind| kind.secrets().any(|secret| self.lies_open(kind, secret));
        kinds.iter().filter(lies_open).map(Kind::index).collect()
    }

    /// Fields that were secret and are to lie open; where there are entries that would not do: what is sealed in their
    /// history stays so.
    pub fn uncovered(&self, kind: &Kind) -> impl Iterator<Item = Fault> {
        let then = self.of(kind.name()).into_iter().flat_map(Definition::secrets);
        let uncovered = then.filter(|path| kind.secrets().all(|secret| secret != *path));
        let uncovered = uncovered.filter(|path| kind.import_schema().property(path).is_some());
        uncovered.map(|path| {
            let message = format!("`{path}` is a secret in the entries that there are, and must stay one");
            Fault {
                path: format!("{}: {}", meta::RESOURCES, kind.name()),
                finding: Finding::new(path, "secret", message),
            }
        })
    }

    /// What an operator can do about entries that do not fit.
    pub fn advice(&self, kinds: &Kinds, faults: &[Fault]) -> Vec<String> {
        let in_tables =
            faults.iter().filter_map(|fault| fault.path.strip_prefix("tables/")?.split('/').next());
        let names: BTreeSet<&str> = in_tables.collect();
        let advice = names.into_iter().filter_map(|name| match (kinds.get(name), self.of(name)) {
            (None, _) if Kinds::are_built_in(name) => {
                Some(format!("`{name}` has entries: enable it again ([resources] enabled)"))
            }
            (None, _) => Some(format!(
                "`{name}` has entries: put {name}.toml back into [resources] dir (resources.json in the repository holds \
                 the definition). To be rid of it: put it back, `karana clear {name}`, then take it away"
            )),
            (Some(kind), Some(then)) if kind.definition() != then => Some(format!(
                "the definition of `{name}` has changed since these entries were written: put the old one back \
                 (resources.json in the repository holds it), change the entries, and then the definition again; a field that is \
                 to go is named in dropped_fields"
            )),
            _ => None,
        });
        advice.collect()
    }
}
