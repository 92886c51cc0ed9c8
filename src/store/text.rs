//! The canonical text of an entry, and what can be read and left out of it without parsing it.
//!
//! In canonical text a newline is always between two members (inside a string it is written `\n`), so that each member
//! begins a line and its indent says how deep it lies. A page of records is shown by copying lines: that takes a tenth of
//! the time of parsing and writing them.

use crate::resource::Entry;
use serde::{Serialize, Serializer};
use serde_json::Value;
use std::borrow::Cow;

/// JSON with sorted keys, two spaces of indent and a newline at the end: equal entries have equal bytes,
/// and `git log -p` reads well.
pub fn canonical(entry: &Entry) -> String {
    let mut text = Vec::with_capacity(512);
    let mut writer = serde_json::Serializer::pretty(&mut text);
    SortedEntry(entry).serialize(&mut writer).unwrap_or_else(|e| unreachable!("a map of values: {e}"));
    text.push(b'\n');
    String::from_utf8(text).unwrap_or_else(|e| unreachable!("JSON is UTF-8: {e}"))
}

/// serde_json's map is sorted by itself unless some crate in the build turns its `preserve_order` on.
struct SortedEntry<'a>(&'a Entry);

impl Serialize for SortedEntry<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let fields = || self.0.iter().map(|(name, value)| (name, Sorted(value)));
        if self.0.keys().is_sorted() {
            return serializer.collect_map(fields());
        }
        let mut fields: Vec<_> = fields().collect();
        fields.sort_by_key(|(name, _)| *name);
        serializer.collect_map(fields)
    }
}

struct Sorted<'a>(&'a Value);

impl Serialize for Sorted<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Object(fields) => SortedEntry(fields).serialize(serializer),
            Value::Array(items) => serializer.collect_seq(items.iter().map(Sorted)),
            other => other.serialize(serializer),
        }
    }
}

/// One member of an object, at any depth. What lies inside of arrays is part of the array.
struct Member<'a> {
    /// Its path, dots between levels.
    path: &'a str,
    /// Its key as it stands in the text, without the quotes.
    key: &'a str,
    /// How deep it lies: 1 for the members of the entry itself.
    depth: usize,
    value: Piece<'a>,
}

/// The value of a member.
enum Piece<'a> {
    /// As it stands in the text.
    Whole(&'a str),
    /// An object with members of its own, which come next.
    Object,
}

/// What a walk does after a member.
#[derive(PartialEq, Eq)]
enum Next {
    GoOn,
    /// Not into this object.
    Skip,
    Stop,
}

/// Visits the members of canonical text in their order.
fn walk<'a>(text: &'a str, mut visit: impl FnMut(Member<'_>, &'a str) -> Next) {
    let mut path = String::with_capacity(64);
    // Where the path of each level ends.
    let mut ends = vec![0];
    let mut rest = text.get(text.find('\n').map_or(text.len(), |end| end + 1)..).unwrap_or_default();
    while let Some((line, after)) = rest.split_once('\n') {
        let member = line.trim_start_matches(' ');
        let depth = (line.len() - member.len()) / 2;
        rest = after;
        if !member.starts_with('"') || depth == 0 {
            continue;
        }
        let Some((key, value)) = split_member(member) else { continue };
        ends.truncate(depth);
        path.truncate(ends.last().copied().unwrap_or_default());
        if !path.is_empty() {
            path.push('.');
        }
        path.push_str(&name(key));
        ends.push(path.len());
        let (piece, raw) = match value {
            "{" => (Piece::Object, ""),
            "[" => {
                // Up to the line that closes it: the first one that is not deeper.
                let start = text.len() - rest.len() - 2;
                rest = beyond(rest, depth);
                let raw = text[start..text.len() - rest.len()].trim_end_matches(['\n', ',']);
                (Piece::Whole(raw), raw)
            }
            value => {
                let raw = value.strip_suffix(',').unwrap_or(value);
                (Piece::Whole(raw), raw)
            }
        };
        let is_object = matches!(piece, Piece::Object);
        match visit(Member { path: &path, key, depth, value: piece }, raw) {
            Next::Stop => return,
            Next::Skip if is_object => rest = beyond(rest, depth),
            Next::Skip | Next::GoOn => {}
        }
    }
}

/// What comes after the object or array that a line of this depth opened.
fn beyond(mut rest: &str, depth: usize) -> &str {
    while let Some((line, after)) = rest.split_once('\n') {
        rest = after;
        if line.len() - line.trim_start_matches(' ').len() <= depth * 2 {
            break;
        }
    }
    rest
}

/// `"key": value` as `key`, without its quotes, and `value`.
fn split_member(line: &str) -> Option<(&str, &str)> {
    let mut escaped = false;
    let end = line.bytes().skip(1).position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    })?;
    Some((&line[1..=end], line[end + 2..].strip_prefix(": ")?))
}

/// The name that a key in JSON stands for.
fn name(key: &str) -> Cow<'_, str> {
    if !key.contains('\\') {
        return key.into();
    }
    serde_json::from_str::<String>(&format!("\"{key}\"")).map_or_else(|_| key.into(), Cow::Owned)
}

/// The JSON of the value at a path; none where there is none, or an object.
pub fn value_at<'a>(text: &'a str, wanted: &str) -> Option<&'a str> {
    values_at(text, [wanted])[0]
}

/// The same for several paths, in one walk.
pub fn values_at<'a, const N: usize>(text: &'a str, wanted: [&str; N]) -> [Option<&'a str>; N] {
    let mut found = [None; N];
    let mut missing = N;
    walk(text, |member, raw| {
        let mut next = Next::Skip;
        for (path, found) in wanted.iter().zip(&mut found) {
            match path.strip_prefix(member.path) {
                Some("") => {
                    *found = matches!(member.value, Piece::Whole(_)).then_some(raw);
                    missing -= 1;
                }
                Some(below) if below.starts_with('.') => next = Next::GoOn,
                _ => {}
            }
        }
        if missing == 0 { Next::Stop } else { next }
    });
    found
}

/// The text that a JSON string stands for.
pub fn string(raw: &str) -> Cow<'_, str> {
    match raw.strip_prefix('"').and_then(|raw| raw.strip_suffix('"')) {
        Some(plain) if !plain.contains('\\') => plain.into(),
        _ => serde_json::from_str::<String>(raw).unwrap_or_default().into(),
    }
}

/// Which members of an entry are shown.
#[derive(Debug, Clone, Copy)]
pub struct Shown<'a> {
    /// Paths that are not, with all below them.
    pub hidden: &'a [String],
    /// Paths that alone are, with all below them; none: all.
    pub only: Option<&'a [String]>,
}

impl Shown<'_> {
    /// Appends the shown part of an entry that is in no table, as compact JSON.
    pub fn part_of(&self, entry: &Entry, out: &mut String) {
        show(&canonical(entry), *self, out);
    }

    fn includes(&self, path: &str, is_object: bool) -> bool {
        if self.hidden.iter().any(|hidden| hidden == path) {
            return false;
        }
        let Some(only) = self.only else { return true };
        let below = |inner: &str, outer: &str| {
            inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        only.iter().any(|wanted| below(path, wanted) || (is_object && below(wanted, path)))
    }
}

/// Appends the shown part of an entry as compact JSON.
pub fn show(text: &str, shown: Shown<'_>, out: &mut String) {
    out.push('{');
    let mut open = 1;
    let mut first = true;
    walk(text, |member, _| {
        let is_object = matches!(member.value, Piece::Object);
        if !shown.includes(member.path, is_object) {
            return Next::Skip;
        }
        while open > member.depth {
            out.push('}');
            open -= 1;
            first = false;
        }
        if !std::mem::replace(&mut first, false) {
            out.push(',');
        }
        out.push('"');
        out.push_str(member.key);
        out.push_str("\":");
        match member.value {
            Piece::Whole(raw) => push_compact(raw, out),
            Piece::Object => {
                out.push('{');
                open += 1;
                first = true;
            }
        }
        Next::GoOn
    });
    (0..open).for_each(|_| out.push('}'));
}

/// Of several lines the indents and ends: they are between members, never inside of a string.
fn push_compact(raw: &str, out: &mut String) {
    if raw.contains('\n') {
        raw.split('\n').for_each(|line| out.push_str(line.trim_start_matches(' ')));
    } else {
        out.push_str(raw);
    }
}

/// The text with other values in the place of some strings: `(path, value)`.
pub fn with_values(text: &str, values: &[(&str, &str)]) -> String {
    let mut places = Vec::with_capacity(values.len());
    walk(text, |member, raw| {
        if let Some((_, value)) = values.iter().find(|(path, _)| *path == member.path) {
            let start = raw.as_ptr() as usize - text.as_ptr() as usize;
            places.push((start..start + raw.len(), *value));
        }
        Next::GoOn
    });
    let mut replaced = String::with_capacity(text.len() + 64 * values.len());
    let mut done = 0;
    for (place, value) in places {
        replaced.push_str(&text[done..place.start]);
        replaced.push_str(&Value::from(value).to_string());
        done = place.end;
    }
    replaced.push_str(&text[done..]);
    replaced
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::{field, remove_field, set_field};
    use proptest::prelude::*;
    use serde_json::json;

    fn entry(json: Value) -> Entry {
        json.as_object().unwrap().clone()
    }

    fn shown(entry: &Entry, hidden: &[&str], only: Option<&[&str]>) -> Value {
        let owned = |paths: &[&str]| paths.iter().map(|path| (*path).to_owned()).collect::<Vec<_>>();
        let (hidden, only) = (owned(hidden), only.map(owned));
        let mut out = String::new();
        show(&canonical(entry), Shown { hidden: &hidden, only: only.as_deref() }, &mut out);
        serde_json::from_str(&out).unwrap_or_else(|e| panic!("not JSON ({e}): {out}"))
    }

    #[test]
    fn equal_entries_have_equal_text() {
        let one: Entry =
            serde_json::from_str(r#"{"b": {"z": 1, "a": [{"y": 1, "x": 2}]}, "a": "ü\n"}"#).unwrap();
        let two: Entry =
            serde_json::from_str(r#"{"a": "ü\n", "b": {"a": [{"x": 2, "y": 1}], "z": 1}}"#).unwrap();
        assert_eq!(canonical(&one), canonical(&two));
        assert_eq!(
            canonical(&one),
            "{\n  \"a\": \"ü\\n\",\n  \"b\": {\n    \"a\": [\n      {\n        \"x\": 2,\n        \"y\": 1\n      }\n    ],\n    \"z\": 1\n  }\n}\n"
        );
    }

    #[test]
    fn hidden_members_are_left_out_and_only_wanted_ones_kept() {
        let user = entry(json!({
            "credentials": {"login": "a@b.c", "password": "$6$x"},
            "name": "line\n  \"password\": \"no\"",
            "tags": ["a", {"password": 1}, []],
            "token_epoch": 3,
            "zero": {},
        }));
        assert_eq!(
            shown(&user, &["credentials.password", "token_epoch"], None),
            json!({"credentials": {"login": "a@b.c"}, "name": "line\n  \"password\": \"no\"", "tags": ["a", {"password": 1}, []], "zero": {}})
        );
        assert_eq!(shown(&user, &["credentials", "zero", "name", "tags"], None), json!({"token_epoch": 3}));
        assert_eq!(
            shown(&user, &["credentials.password"], Some(&["credentials", "token_epoch"])),
            json!({"credentials": {"login": "a@b.c"}, "token_epoch": 3})
        );
        assert_eq!(
            shown(&user, &[], Some(&["credentials.login"])),
            json!({"credentials": {"login": "a@b.c"}})
        );
        assert_eq!(shown(&user, &[], Some(&[])), json!({}));
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            ".{0,12}".prop_map(Value::from),
            "[\"\\\\\n{}\\[\\],: ]{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-c\"\\\\ü]{1,2}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    fn entries() -> impl Strategy<Value = Entry> {
        prop::collection::btree_map("[a-c\"\\\\ü]{1,2}", values(), 0..5)
            .prop_map(|map| map.into_iter().collect())
    }

    proptest! {
        #[test]
        fn what_is_shown_is_what_parsing_and_removing_would_show(
            entry in entries(),
            hidden in prop::collection::vec("[a-c\"\\\\ü]{1,2}(\\.[a-c]{1,2})?", 0..4),
        ) {
            let mut expected = entry.clone();
            hidden.iter().for_each(|path| remove_field(&mut expected, path));
            let paths: Vec<_> = hidden.iter().map(String::as_str).collect();
            prop_assert_eq!(shown(&entry, &paths, None), Value::Object(expected));
        }

        #[test]
        fn a_value_is_found_where_parsing_finds_it(
            entry in entries(),
            path in "[a-c\"\\\\ü]{1,2}(\\.[a-c]{1,2})?",
        ) {
            let text = canonical(&entry);
            let found = value_at(&text, &path).map(|raw| serde_json::from_str::<Value>(raw).unwrap());
            let expected = field(&entry, &path).filter(|value| value.as_object().is_none_or(Entry::is_empty));
            prop_assert_eq!(found.as_ref(), expected);
        }

        #[test]
        fn replaced_values_are_what_setting_them_gives(
            mut entry in entries(),
            path in "[a-c]{1,2}(\\.[a-c]{1,2})?",
            value in ".{0,8}",
        ) {
            set_field(&mut entry, &path, "before".into());
            prop_assume!(field(&entry, &path).is_some_and(Value::is_string));
            let text = with_values(&canonical(&entry), &[(&path, &value)]);
            set_field(&mut entry, &path, value.into());
            prop_assert_eq!(text, canonical(&entry));
        }
    }
}
