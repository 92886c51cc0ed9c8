//! The `format`s that fields can have.

/// A `format` beyond JSON Schema's own, or one that we check more strictly.
pub(super) struct Format {
    pub(super) name: &'static str,
    pub(super) check: fn(&str) -> bool,
    pub(super) message: &'static str,
}

pub(super) const FORMATS: &[Format] = &[
    Format { name: "email", check: is_email, message: "must be a valid e-mail address" },
    Format { name: "uuid", check: is_uuid, message: "must be a UUID in lower case with hyphens" },
    Format { name: "date", check: is_date, message: "must be a date as YYYY-MM-DD" },
    Format {
        name: "date-time",
        check: is_date_time,
        message: "must be a time as RFC 3339 writes it, such as 2017-03-02T15:26:11Z",
    },
    Format {
        name: "line",
        check: is_line,
        message: "must be one line, without control characters and characters that override the direction of text",
    },
    Format {
        name: "text",
        check: is_text,
        message: "must hold no control characters but tabs and line breaks",
    },
    Format {
        name: "series",
        check: is_series,
        message: "must be one line of 1 to 64 characters, without `%`, `\\` and control characters, not begin with `#` or `@`, \
                  and not be `config`",
    },
    // What a client could set once. Such a device may be in the field: it is shown and synced as ever.
    Format {
        name: "stored-series",
        check: is_stored_series,
        message: "must be 1 to 64 characters, without `%`, control characters, and not `config`",
    },
    Format { name: "sha512-crypt", check: is_sha512_crypt, message: "must be a sha512-crypt hash ($6$…)" },
    Format {
        name: "device-password",
        check: is_device_password,
        message: "must be 16 characters of A-Z and 0-9",
    },
    Format {
        name: "currency",
        check: is_currency,
        message: "must be a currency code of ISO 4217, such as EUR",
    },
    Format {
        name: "kid",
        check: is_kid,
        message: "must be 1 to 32 characters of A-Z, a-z, 0-9, `-` and `_`",
    },
];

fn is_email(text: &str) -> bool {
    validator::ValidateEmail::validate_email(&text)
}

fn is_uuid(text: &str) -> bool {
    // `try_parse` takes several spellings; a stored one is a file name and a key, so there is just one.
    uuid::Uuid::try_parse(text).is_ok_and(|uuid| uuid.hyphenated().to_string() == text)
}

fn is_date(text: &str) -> bool {
    chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d")
        .is_ok_and(|date| text.len() == 10 && date.to_string() == text)
}

fn is_date_time(text: &str) -> bool {
    chrono::DateTime::parse_from_rfc3339(text).is_ok()
}

/// What people read in a line, and take for what it says: names above all.
fn is_line(text: &str) -> bool {
    !text.chars().any(|c| {
        let breaks = matches!(c, '\u{2028}' | '\u{2029}');
        // Embeddings, overrides, isolates: what comes after them is read in another order than it is written. The marks that
        // Arabic and Hebrew need are others.
        let reorders = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        c.is_control() || breaks || reorders
    })
}

fn is_text(text: &str) -> bool {
    !text.chars().any(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r'))
}

fn is_series(text: &str) -> bool {
    // In line protocol a line that begins with `#` is a comment, and a backslash cannot be told from the one that escapes the
    // comma, space, `=` or `"` behind it: such points are answered 204, and lost or stored under another name. curl takes what
    // begins with `@` for a file.
    is_stored_series(text) && is_line(text) && !text.contains('\\') && !text.starts_with(['#', '@'])
}

fn is_stored_series(text: &str) -> bool {
    // The config line the firmware splits at `%`, and the measurement that holds it, stay unambiguous.
    (1..=64).contains(&text.chars().count())
        && text != "config"
        && !text.chars().any(|c| c == '%' || c.is_control())
}

fn is_sha512_crypt(text: &str) -> bool {
    // $6$[rounds=N$]salt$hash: at most 16 characters of salt, 86 of hash.
    let Some(rest) = text.strip_prefix("$6$") else { return false };
    let rest = match rest.strip_prefix("rounds=") {
        None => rest,
        Some(rounds) => match rounds.split_once('$') {
            Some((number, rest))
                if (4..=9).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit()) =>
            {
                rest
            }
            _ => return false,
        },
    };
    let in_alphabet = |part: &str| part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'/');
    rest.split_once('$').is_some_and(|(salt, hash)| {
        (1..=16).contains(&salt.len()) && hash.len() == 86 && in_alphabet(salt) && in_alphabet(hash)
    })
}

fn is_device_password(text: &str) -> bool {
    text.len() == 16 && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}

fn is_currency(text: &str) -> bool {
    iso_currency::Currency::from_code(text).is_some()
}

fn is_kid(text: &str) -> bool {
    (1..=32).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}
