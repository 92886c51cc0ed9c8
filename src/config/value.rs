//! How single values are written. Every refusal says what is right, never what was given.

use std::net::Ipv6Addr;
use std::str::FromStr;
use std::time::Duration;

use url::{Host, Url};
use validator::ValidationError;

/// A broken rule: its code for programs, and a sentence.
pub(super) fn rule(code: &'static str, message: impl Into<String>) -> ValidationError {
    ValidationError::new(code).with_message(message.into().into())
}

/// Any text.
pub(super) fn text(value: &str) -> Result<String, ValidationError> {
    Ok(value.to_owned())
}

/// What `T` reads from text, with `T`'s own words when it cannot.
pub(super) fn parsed<T: FromStr<Err: ToString>>(value: &str) -> Result<T, ValidationError> {
    value.parse().map_err(|error: T::Err| rule("format", error.to_string()))
}

/// `true` or `false`, and the other words for them.
pub(super) fn boolean(value: &str) -> Result<bool, ValidationError> {
    match value.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Ok(true),
        "false" | "no" | "off" | "0" => Ok(false),
        _ => Err(rule("type", "must be true or false (or yes, no, on, off, 1, 0)")),
    }
}

/// A whole number.
pub(super) fn whole<T: TryFrom<u64>>(value: &str) -> Result<T, ValidationError> {
    if !value.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(rule("type", "must be a whole number"));
    }
    let number = value.parse::<u64>().ok();
    number.and_then(|number| T::try_from(number).ok()).ok_or_else(|| rule("range", "is too large"))
}

/// The port of another server; 0 names none.
pub(super) fn port(value: &str) -> Result<u16, ValidationError> {
    whole(value).ok().filter(|port| *port > 0).ok_or_else(|| rule("range", "must be a port from 1 to 65535"))
}

/// The items between commas; empty ones are left out, so that a comma may end the list.
pub(super) fn list<T>(
    value: &str,
    item: impl Fn(&str) -> Result<T, ValidationError>,
) -> Result<Vec<T>, ValidationError> {
    value.split(',').map(str::trim).filter(|text| !text.is_empty()).map(item).collect()
}

const HOUR: u64 = 60 * 60;
const DAY: u64 = 24 * HOUR;

/// The longest duration, in seconds: a century, which no later sum with a date overflows.
const LONGEST: u64 = 36_500 * DAY;

/// A number with a unit, such as `90s`, `15m`, `12h`, `30d` or `52w`; longer than zero.
pub(super) fn duration(value: &str) -> Result<Duration, ValidationError> {
    let unit_at = value.find(|c: char| !c.is_ascii_digit()).unwrap_or(value.len());
    let (number, unit) = value.split_at(unit_at);
    let seconds = match unit {
        "s" => Some(1),
        "m" | "min" => Some(60),
        "h" => Some(HOUR),
        "d" => Some(DAY),
        "w" => Some(7 * DAY),
        _ => None,
    };
    let (Some(seconds), false) = (seconds, number.is_empty()) else {
        return Err(rule(
            "format",
            "must be a number with the unit s, m, h, d or w, such as 90s, 15m, 12h, 30d or 52w",
        ));
    };
    match number.parse::<u64>().ok().and_then(|number| number.checked_mul(seconds)) {
        Some(0) => Err(rule("range", "must be longer than zero")),
        Some(total) if total <= LONGEST => Ok(Duration::from_secs(total)),
        _ => Err(rule("range", "must be at most 36500d")),
    }
}

/// A unit of time as one word (`s`, `min`, `h`), or any [`duration`].
pub(super) fn unit(value: &str) -> Result<Duration, ValidationError> {
    let spelled =
        if value.starts_with(|c: char| c.is_ascii_digit()) { value.into() } else { format!("1{value}") };
    let unit = duration(&spelled);
    unit.map_err(|broken| match broken.code.as_ref() {
        "format" => rule("format", "must be a unit of time: s, min or h"),
        _ => broken,
    })
}

/// A host as it stands in a URL: a name, an IPv4 address, or an IPv6 address, which gets its
/// brackets here if it has none.
pub(super) fn host(value: &str) -> Result<String, ValidationError> {
    if value.contains("://") {
        return Err(rule("format", "must be a host without a scheme; for https say `ssl = true`"));
    }
    let host = match value.parse::<Ipv6Addr>() {
        Ok(address) => Some(Host::Ipv6(address)),
        Err(_) => Host::parse(value).ok(),
    };
    host.map(|host| host.to_string())
        .ok_or_else(|| rule("format", "must be a host name or an IP address, without port and path"))
}

/// A [`host`], with or without `:port`.
pub(super) fn host_and_port(value: &str) -> Result<String, ValidationError> {
    let refused = match host(value) {
        Ok(host) => return Ok(host),
        Err(scheme) if value.contains("://") => scheme,
        Err(_) => rule("format", "must be a host name or an IP address, with or without a port"),
    };
    match value.rsplit_once(':').map(|(name, number)| (host(name), port(number))) {
        Some((Ok(name), Ok(port))) => Ok(format!("{name}:{port}")),
        _ => Err(refused),
    }
}

/// An origin exactly as browsers send it (RFC 6454, 6.2), because it is compared as text. `*` is
/// none: the page sends credentials.
pub(super) fn origin(value: &str) -> Result<String, ValidationError> {
    let is_origin = web_url(value).is_some_and(|url| url.origin().ascii_serialization() == value);
    if is_origin {
        Ok(value.to_owned())
    } else {
        Err(rule(
            "format",
            "must hold origins as browsers send them, such as https://karana.example.org: no path, no `/` at the end, no default port, lower case",
        ))
    }
}

/// The address of a web site, given back without `/` at its end.
pub(super) fn web_address(value: &str) -> Result<String, ValidationError> {
    let bare = |url: &Url| {
        url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none()
    };
    match web_url(value).filter(bare) {
        Some(_) => Ok(value.trim_end_matches('/').to_owned()),
        None => Err(rule("format", "must be an http or https URL without user, query and fragment")),
    }
}

/// Any URL that can be called. It may hold a secret, so it is not shown.
pub(super) fn address_to_call(value: &str) -> Result<String, ValidationError> {
    match web_url(value) {
        Some(_) => Ok(value.to_owned()),
        None => Err(rule("format", "must be an http or https URL")),
    }
}

fn web_url(value: &str) -> Option<Url> {
    Url::parse(value).ok().filter(|url| matches!(url.scheme(), "http" | "https"))
}
