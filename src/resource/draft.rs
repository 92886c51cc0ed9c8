//! An entry as a client of `/v2` wants it: the whole of it (PUT), or what is to be different (PATCH).
//!
//! `/v2` is strict: a field that the resource does not have, or a number in a string, is refused and not passed over.

use super::change::is_mask;
use super::{Entry, Kind, MASK, PASSWORD, field, remove_field, set_field};
use crate::error::{Error, Finding};
use serde_json::Value;

/// An entry as a client wants it.
#[derive(Debug, Clone)]
pub enum Draft {
    /// The whole of it; what is left out gets its default.
    Whole(Entry),
    /// What is to be different: a merge patch (RFC 7396).
    Merge(Entry),
}

impl Draft {
    /// The new password in plain text, if there is one.
    pub fn password<'a>(&'a self, kind: &Kind) -> Option<&'a str> {
        let (Self::Whole(fields) | Self::Merge(fields)) = self;
        kind.password(fields).filter(|password| *password != MASK)
    }
}

impl Kind {
    /// The rules for what creates an entry on `/v2`.
    pub fn draft_schema(&self) -> &super::Schema {
        &self.draft
    }

    /// The rules for what replaces an entry on `/v2`, the fields of the server left out.
    pub fn redraft_schema(&self) -> &super::Schema {
        &self.redraft
    }

    /// Reads what a client of `/v2` sent to create an entry. A password in it is still in plain text.
    pub fn new_from_draft(&self, input: &Entry) -> Result<Entry, Error> {
        let owned = self.server_owned().filter(|path| field(input, path).is_some());
        let mut findings: Vec<_> = owned.map(set_by_the_server).collect();
        if findings.is_empty() {
            findings = self.draft.check(input);
        }
        if findings.is_empty() { self.new_entry(input) } else { Err(Error::Invalid(findings)) }
    }

    /// The entry that `old` becomes. Its password is the hash, if one is given, and else what it was.
    pub fn redrafted(&self, old: &Entry, draft: &Draft, hash: Option<&str>) -> Result<Entry, Error> {
        let (Draft::Whole(input) | Draft::Merge(input)) = draft;
        let mut fields = input.clone();
        let mut findings = Vec::new();
        for path in self.server_owned() {
            // What a client has read it may send back.
            match field(input, path) {
                Some(sent) if sent == MASK || Some(sent) == field(old, path) => {
                    remove_field(&mut fields, path)
                }
                Some(_) => findings.push(set_by_the_server(path)),
                None => {}
            }
        }
        if !findings.is_empty() {
            return Err(Error::Invalid(findings));
        }
        if self.password(&fields) == Some(MASK) {
            remove_field(&mut fields, PASSWORD);
        }
        for path in &self.definition.secret_fields {
            if let Some(kept) = field(old, path).filter(|_| is_mask(&fields, path)) {
                set_field(&mut fields, path, kept.clone());
            }
        }
        if let Draft::Merge(_) = draft {
            let mut merged = self.settable(old);
            merge_patch(self.create.json(), &mut merged, &fields);
            fields = merged;
        }
        let mut findings = self.redraft.check(&fields);
        // A text that was stored before its format was what it is now may stay; what it is changed to has that format.
        let stays = |path: &str| field(old, path).is_some_and(|stored| field(&fields, path) == Some(stored));
        findings.retain(|one| one.code != "format" || !stays(&one.field));
        if !findings.is_empty() {
            return Err(Error::Invalid(findings));
        }
        let mut new = self.create.shape(&fields);
        keep_what_clients_do_not_set(self.create.json(), old, &mut new);
        let password = hash.map(Value::from).or_else(|| field(old, PASSWORD).cloned());
        if let Some(password) = password.filter(|_| self.login_field().is_some()) {
            set_field(&mut new, PASSWORD, password);
        }
        self.settle(old, &mut new);
        Ok(new)
    }

    /// What clients set of an entry, its password left out.
    fn settable(&self, entry: &Entry) -> Entry {
        let mut settable = self.create.shape(entry);
        if self.login_field().is_some() {
            remove_field(&mut settable, PASSWORD);
        }
        settable
    }
}

fn set_by_the_server(path: &str) -> Finding {
    Finding::new(path, "server_owned", "is set by the server alone")
}

fn keep_what_clients_do_not_set(create: &Value, old: &Entry, new: &mut Entry) {
    for (name, value) in old {
        match (create["properties"].get(name), value, new.get_mut(name)) {
            (None, _, _) => {
                new.insert(name.clone(), value.clone());
            }
            (Some(schema), Value::Object(old), Some(Value::Object(new)))
                if schema.get("properties").is_some() =>
            {
                keep_what_clients_do_not_set(schema, old, new);
            }
            _ => {}
        }
    }
}

/// RFC 7396, but that `null` is a value where the schema has it as one: there, nothing is removed.
fn merge_patch(schema: &Value, into: &mut Entry, patch: &Entry) {
    for (name, value) in patch {
        let property = &schema["properties"][name];
        match value {
            // Stays, to be refused like one with a value.
            Value::Null if is_unknown(schema, name) => {
                into.insert(name.clone(), Value::Null);
            }
            Value::Null if !allows_null(property) => {
                into.remove(name);
            }
            Value::Object(changes) => {
                let inner = into.entry(name).or_insert(Value::Null);
                if !inner.is_object() {
                    *inner = Value::Object(Entry::new());
                }
                if let Some(inner) = inner.as_object_mut() {
                    merge_patch(property, inner, changes);
                }
            }
            other => {
                into.insert(name.clone(), other.clone());
            }
        }
    }
}

/// Whether an object has no such field, and cannot have one.
fn is_unknown(schema: &Value, name: &str) -> bool {
    let is_closed = schema.get("additionalProperties").is_none_or(|others| *others == false);
    is_closed && schema["properties"].as_object().is_some_and(|properties| !properties.contains_key(name))
}

fn allows_null(schema: &Value) -> bool {
    schema["type"].as_array().is_some_and(|types| types.iter().any(|one| one == "null"))
}
