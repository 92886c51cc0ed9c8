//! Fields by their paths: `config.password` lies in the object `config`.

use super::Entry;
use serde_json::Value;

/// The value at a path, dots between levels.
pub fn field<'a>(entry: &'a Entry, path: &str) -> Option<&'a Value> {
    match path.split_once('.') {
        None => entry.get(path),
        Some((name, rest)) => field(entry.get(name)?.as_object()?, rest),
    }
}

/// The uuid at a path, if there is one.
pub fn uuid_at(entry: &Entry, path: &str) -> Option<uuid::Uuid> {
    uuid::Uuid::try_parse(field(entry, path)?.as_str()?).ok()
}

/// The value at a path, to change it.
pub fn field_mut<'a>(entry: &'a mut Entry, path: &str) -> Option<&'a mut Value> {
    match path.split_once('.') {
        None => entry.get_mut(path),
        Some((name, rest)) => field_mut(entry.get_mut(name)?.as_object_mut()?, rest),
    }
}

/// Sets the value at a path, making the objects on the way.
pub fn set_field(entry: &mut Entry, path: &str, value: Value) {
    match path.split_once('.') {
        None => {
            entry.insert(path.to_owned(), value);
        }
        Some((name, rest)) => {
            let inner = entry.entry(name).or_insert_with(|| Value::Object(Entry::new()));
            if let Some(inner) = inner.as_object_mut() {
                set_field(inner, rest, value);
            }
        }
    }
}

/// Removes the value at a path, if there is one.
pub fn remove_field(entry: &mut Entry, path: &str) {
    match path.split_once('.') {
        None => {
            entry.remove(path);
        }
        Some((name, rest)) => {
            if let Some(inner) = entry.get_mut(name).and_then(Value::as_object_mut) {
                remove_field(inner, rest);
            }
        }
    }
}
