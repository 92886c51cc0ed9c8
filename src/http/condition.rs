//! Conditional requests (RFC 9110, 13): which version of a record a client knows.

use super::crud::Condition;
use super::reply::Failure;
use crate::error::Error;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};

/// The condition in `If-Match`, which must be there: who replaces or deletes a record must say which one it has seen.
pub fn required(headers: &HeaderMap) -> Result<Condition, Failure> {
    if !headers.contains_key(header::IF_MATCH) {
        let reason = "send the record's ETag as `If-Match`, so that nobody's change is lost; `If-Match: *` does without";
        return Err(Failure::new(StatusCode::PRECONDITION_REQUIRED, reason));
    }
    given(headers)
}

/// The condition in `If-Match`, if there is one.
pub fn given(headers: &HeaderMap) -> Result<Condition, Failure> {
    match tags(headers, &header::IF_MATCH)? {
        None => Ok(Condition::None),
        Some(Tags::Any) => Ok(Condition::None),
        Some(Tags::These(tags)) => Ok(strong(tags)),
    }
}

/// Whether the client has this version already, as `If-None-Match` says.
pub fn is_known(headers: &HeaderMap, tag: &str) -> Result<bool, Failure> {
    Ok(match tags(headers, &header::IF_NONE_MATCH)? {
        None => false,
        Some(Tags::Any) => true,
        Some(Tags::These(tags)) => tags.iter().any(|known| known.name == tag),
    })
}

/// The condition in a text such as `If-Match` holds.
pub fn parse(name: &str, text: &str) -> Result<Condition, Error> {
    let mut tags = Vec::new();
    match read(text, &mut tags) {
        Some(true) => Ok(Condition::None),
        Some(false) => Ok(strong(tags)),
        None => Err(wrong(name)),
    }
}

/// Strong comparison: a weak tag matches nothing.
fn strong(tags: Vec<Tag>) -> Condition {
    Condition::Is(tags.into_iter().filter(|tag| !tag.weak).map(|tag| tag.name).collect())
}

fn wrong(name: &str) -> Error {
    Error::invalid(name, "form", "must be `*` or a list of entity tags such as \"5f3a…\"")
}

/// Adds the tags in a text; true for `*`, none when it is neither.
fn read(text: &str, tags: &mut Vec<Tag>) -> Option<bool> {
    let mut rest = text.trim();
    if rest == "*" {
        return Some(true);
    }
    while !rest.is_empty() {
        let (weak, tag) = rest.strip_prefix("W/").map_or((false, rest), |tag| (true, tag));
        let (name, after) = tag.strip_prefix('"')?.split_once('"')?;
        tags.push(Tag { weak, name: name.to_owned() });
        rest = after.trim_start();
        match rest.strip_prefix(',') {
            Some(after) => rest = after.trim_start(),
            None if rest.is_empty() => {}
            None => return None,
        }
    }
    Some(false)
}

enum Tags {
    /// `*`
    Any,
    These(Vec<Tag>),
}

struct Tag {
    weak: bool,
    name: String,
}

fn tags(headers: &HeaderMap, name: &HeaderName) -> Result<Option<Tags>, Failure> {
    let mut tags = Vec::new();
    for value in headers.get_all(name) {
        let any = value.to_str().ok().and_then(|text| read(text, &mut tags));
        if any.ok_or_else(|| wrong(name.as_str()))? {
            return Ok(Some(Tags::Any));
        }
    }
    Ok(headers.contains_key(name).then_some(Tags::These(tags)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn headers(values: &[&str]) -> HeaderMap {
        values.iter().map(|value| (header::IF_MATCH, HeaderValue::from_str(value).unwrap())).collect()
    }

    #[test]
    fn entity_tags_are_read_as_rfc_9110_writes_them() {
        for (values, expected) in [
            (&["\"a\""][..], Some(&["a"][..])),
            (&["\"a\", \"b\"", "\"c\""], Some(&["a", "b", "c"])),
            (&["W/\"a\",\"b\" "], Some(&["b"])),
            (&["\"\""], Some(&[""])),
            (&["*"], None),
        ] {
            match (given(&headers(values)).unwrap(), expected) {
                (Condition::Is(tags), Some(expected)) => assert_eq!(tags, expected),
                (Condition::None, None) => {}
                (other, _) => panic!("{values:?}: {other:?}"),
            }
        }
        for wrong in ["a", "\"a", "\"a\" \"b\"", "\"a\";", "W/a"] {
            assert!(given(&headers(&[wrong])).is_err(), "{wrong}");
        }
        assert!(required(&headers(&[])).is_err());
        assert!(required(&headers(&["*"])).is_ok());
    }
}
