//! InfluxQL as text. Every name and every string that goes into a statement passes through here.
//!
//! InfluxDB refuses bind parameters in the statements that manage users and databases, so quoting is all
//! that stands between a name and the statement around it.

use std::fmt;
use std::time::Duration;

use super::desired::Privilege;
use crate::sync::secret::Secret;

/// A statement that changes users, rights or databases. Shown (`Display`, `Debug`) without its password.
#[derive(Clone, PartialEq, Eq)]
pub struct Statement {
    text: String,
    /// Where in `text` the quoted password begins; it is the last thing in a statement.
    password_at: Option<usize>,
    password: Option<Secret>,
}

impl Statement {
    /// `CREATE DATABASE`; fine when it is there already, unless with another retention.
    pub fn create_database(name: &str, retention: Option<Duration>) -> Self {
        let with = retention.map_or_else(String::new, |lasts| format!(" WITH{}", durations(Some(lasts))));
        Self::plain(format!("CREATE DATABASE {}{with}", identifier(name)))
    }

    /// `ALTER RETENTION POLICY`: how long a database keeps points from now on, those that are there too.
    pub fn set_retention(database: &str, policy: &str, lasts: Option<Duration>) -> Self {
        let (policy, database) = (identifier(policy), identifier(database));
        Self::plain(format!("ALTER RETENTION POLICY {policy} ON {database}{} DEFAULT", durations(lasts)))
    }

    /// `DROP DATABASE`; fine when it is gone already.
    pub fn drop_database(name: &str) -> Self {
        Self::plain(format!("DROP DATABASE {}", identifier(name)))
    }

    /// `CREATE USER`; refused when it is there with another password.
    pub fn create_user(name: &str, password: &Secret) -> Self {
        Self::with_password(format!("CREATE USER {} WITH PASSWORD ", identifier(name)), password)
    }

    /// `SET PASSWORD`
    pub fn set_password(name: &str, password: &Secret) -> Self {
        Self::with_password(format!("SET PASSWORD FOR {} = ", identifier(name)), password)
    }

    /// `DROP USER`
    pub fn drop_user(name: &str) -> Self {
        Self::plain(format!("DROP USER {}", identifier(name)))
    }

    /// `GRANT`, which takes the place of any right the user has on that database.
    pub fn grant(privilege: Privilege, database: &str, user: &str) -> Self {
        Self::plain(format!("GRANT {privilege} ON {} TO {}", identifier(database), identifier(user)))
    }

    /// `REVOKE ALL` on one database.
    pub fn revoke(database: &str, user: &str) -> Self {
        Self::plain(format!("REVOKE ALL ON {} FROM {}", identifier(database), identifier(user)))
    }

    /// Makes an administrator an ordinary user. Rights on databases stay.
    pub fn revoke_admin(user: &str) -> Self {
        Self::plain(format!("REVOKE ALL PRIVILEGES FROM {}", identifier(user)))
    }

    fn plain(text: String) -> Self {
        Self { text, password_at: None, password: None }
    }

    fn with_password(mut text: String, password: &Secret) -> Self {
        let at = text.len();
        text.push_str(&string(password.expose()));
        Self { text, password_at: Some(at), password: Some(password.clone()) }
    }

    /// The statement as it is sent.
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// Whether a text shows the password, as it is or as it is quoted here.
    pub fn shows_in(&self, text: &str) -> bool {
        let quoted = self.password_at.map(|at| self.text[at..].trim_matches('\''));
        let plain = self.password.as_ref().map(Secret::expose);
        [quoted, plain].into_iter().flatten().any(|password| text.contains(password))
    }
}

impl fmt::Display for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.password_at {
            Some(at) => write!(f, "{}'********'", &self.text[..at]),
            None => f.write_str(&self.text),
        }
    }
}

impl fmt::Debug for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// How long a group of shards is that a retention gets, as InfluxDB has it by default. An older and longer one would be refused:
/// no policy may be shorter than its shards.
pub fn shard_length(retention: Option<Duration>) -> Duration {
    const HOUR: Duration = Duration::from_secs(3600);
    match retention {
        Some(lasts) if lasts < HOUR * 48 => HOUR,
        Some(lasts) if lasts <= HOUR * 24 * 180 => HOUR * 24,
        _ => HOUR * 24 * 7,
    }
}

fn durations(retention: Option<Duration>) -> String {
    let lasts = retention.map_or("INF".to_owned(), |lasts| format!("{}s", lasts.as_secs()));
    format!(" DURATION {lasts} SHARD DURATION {}s", shard_length(retention).as_secs())
}

/// `SHOW RETENTION POLICIES ON` a database.
pub fn show_retention(database: &str) -> String {
    format!("SHOW RETENTION POLICIES ON {}", identifier(database))
}

/// `SHOW GRANTS FOR` a user.
pub fn show_grants(user: &str) -> String {
    format!("SHOW GRANTS FOR {}", identifier(user))
}

/// The last point of series `config` for each of `ids`.
///
/// One selector beside a tag is the form that InfluxDB 1.x answers: `last(*)` beside a tag is refused since
/// 1.3 as "mixing aggregate and non-aggregate queries". `last` runs over all series of the group, so that
/// the newest point wins whichever line it carries.
pub fn last_config_points<'a>(database: &str, ids: impl Iterator<Item = &'a str>) -> String {
    let wanted: Vec<String> = ids.map(|id| format!("id = {}", string(id))).collect();
    let wanted = wanted.join(" OR ");
    format!("SELECT last(v), data FROM {}..config WHERE {wanted} GROUP BY id", identifier(database))
}

/// Some points of one database.
#[derive(Debug, Clone, Copy)]
pub struct Points<'a> {
    /// The database.
    pub database: &'a str,
    /// The measurements, at least one.
    pub series: &'a [String],
    /// The values of the tag `KID` that they have; none: any, or no such tag.
    pub kids: Option<&'a [String]>,
    /// Not before this time, in nanoseconds.
    pub from: Option<i64>,
    /// Before this time, in nanoseconds.
    pub to: Option<i64>,
}

impl Points<'_> {
    /// The newest of them, one for each value of `KID` if those are told apart.
    pub fn newest(self) -> String {
        format!("SELECT * FROM {self}{} ORDER BY time DESC LIMIT 1", self.apart())
    }

    /// How many values each of their fields has.
    pub fn count(self) -> String {
        format!("SELECT count(*) FROM {self}{}", self.apart())
    }

    /// `function` of each of `fields`, over steps of so many seconds; a step without points has no row.
    pub fn aggregated(self, function: &str, fields: &[String], every: u64) -> String {
        let columns: Vec<String> =
            fields.iter().map(|field| format!("{function}({})", identifier(field))).collect();
        format!("SELECT {} FROM {self} GROUP BY time({every}s) fill(none)", columns.join(", "))
    }

    fn apart(&self) -> &'static str {
        if self.kids.is_some() { " GROUP BY \"KID\"" } else { "" }
    }
}

/// From where, and which: what stands behind `FROM`.
impl fmt::Display for Points<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let database = identifier(self.database);
        let from: Vec<String> =
            self.series.iter().map(|series| format!("{database}..{}", identifier(series))).collect();
        f.write_str(&from.join(","))?;
        let mut conditions = Vec::new();
        if let Some(kids) = self.kids {
            let kids: Vec<String> = kids.iter().map(|kid| format!("\"KID\" = {}", string(kid))).collect();
            conditions.push(format!("({})", kids.join(" OR ")));
        }
        conditions.extend(self.from.map(|time| format!("time >= {time}")));
        conditions.extend(self.to.map(|time| format!("time < {time}")));
        if conditions.is_empty() { Ok(()) } else { write!(f, " WHERE {}", conditions.join(" AND ")) }
    }
}

/// The fields of a measurement, with their types.
pub fn show_field_keys(database: &str, series: &str) -> String {
    format!("SHOW FIELD KEYS ON {} FROM {}", identifier(database), identifier(series))
}

/// Quotes the name of a database or user.
pub fn identifier(name: &str) -> String {
    quoted(name, '"')
}

/// Quotes a string.
pub fn string(text: &str) -> String {
    quoted(text, '\'')
}

/// InfluxQL knows three escapes: the backslash, the newline and the delimiter. Any other is an error, so
/// every other character, control characters included, stands for itself.
fn quoted(text: &str, delimiter: char) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push(delimiter);
    for c in text.chars() {
        match c {
            '\n' => quoted.push_str("\\n"),
            '\\' => quoted.push_str("\\\\"),
            c if c == delimiter => quoted.extend(['\\', c]),
            c => quoted.push(c),
        }
    }
    quoted.push(delimiter);
    quoted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Reads one quoted token as InfluxDB's scanner does (`ScanDelimited` in influxql/scanner.go):
    /// the content, and what follows the closing delimiter. `None` where the scanner reports an error.
    fn scan(text: &str, delimiter: char) -> Option<(String, &str)> {
        let mut content = String::new();
        let mut chars = text.strip_prefix(delimiter)?.char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                c if c == delimiter => return Some((content, &text[1 + at + 1..])),
                '\n' => return None,
                '\\' => match chars.next()?.1 {
                    'n' => content.push('\n'),
                    '\\' => content.push('\\'),
                    c if c == delimiter => content.push(c),
                    _ => return None,
                },
                c => content.push(c),
            }
        }
        None
    }

    /// Text thick with the characters that matter, beside any other.
    fn hostile() -> impl Strategy<Value = String> {
        prop_oneof![r#"[\\"'\n;a -]{0,12}"#, any::<String>()]
    }

    proptest! {
        #[test]
        fn what_is_quoted_comes_back_and_ends_where_it_should(text in hostile(), after in hostile()) {
            let name = identifier(&text) + &after;
            prop_assert_eq!(scan(&name, '"'), Some((text.clone(), &*after)));
            let literal = string(&text) + &after;
            prop_assert_eq!(scan(&literal, '\''), Some((text.clone(), &*after)));
        }

        #[test]
        fn a_statement_is_shown_without_its_password(name in hostile(), password in "[A-Z0-9]{16}") {
            let statement = Statement::create_user(&name, &Secret::new(&*password));
            prop_assert!(statement.expose().contains(&password));
            let shown = format!("{statement} {statement:?}");
            prop_assert!(!shown.contains(&password));
        }
    }

    #[test]
    fn points_are_asked_for_in_one_database() {
        let [series, kids, fields] =
            [["data", "a\"b"], ["k1", "it's"], ["v", "p"]].map(|texts| texts.map(String::from));
        let points =
            Points { database: "d", series: &series, kids: Some(&kids), from: Some(-5), to: Some(9) };
        let all = Points { series: &series[..1], kids: None, from: None, to: None, ..points };
        let statements = [
            points.newest(),
            all.newest(),
            points.count(),
            all.count(),
            points.aggregated("mean", &fields, 60),
            show_field_keys("d", "data"),
        ];
        insta::assert_snapshot!(statements.join("\n"), @r#"
        SELECT * FROM "d".."data","d".."a\"b" WHERE ("KID" = 'k1' OR "KID" = 'it\'s') AND time >= -5 AND time < 9 GROUP BY "KID" ORDER BY time DESC LIMIT 1
        SELECT * FROM "d".."data" ORDER BY time DESC LIMIT 1
        SELECT count(*) FROM "d".."data","d".."a\"b" WHERE ("KID" = 'k1' OR "KID" = 'it\'s') AND time >= -5 AND time < 9 GROUP BY "KID"
        SELECT count(*) FROM "d".."data"
        SELECT mean("v"), mean("p") FROM "d".."data","d".."a\"b" WHERE ("KID" = 'k1' OR "KID" = 'it\'s') AND time >= -5 AND time < 9 GROUP BY time(60s) fill(none)
        SHOW FIELD KEYS ON "d" FROM "data"
        "#);
    }

    #[test]
    fn statements_read_as_influxql_wants_them() {
        let secret = Secret::new("it's");
        let statements = [
            Statement::create_user("u", &secret).expose().to_owned(),
            Statement::set_password("u", &secret).expose().to_owned(),
            Statement::grant(Privilege::All, "d", "u").expose().to_owned(),
            Statement::revoke("d\"; DROP DATABASE \"x", "u").expose().to_owned(),
            Statement::revoke_admin("u").expose().to_owned(),
            Statement::create_database("d", None).expose().to_owned(),
            Statement::create_database("d", Some(Duration::from_secs(3600))).expose().to_owned(),
            Statement::set_retention("d", "a\"b", Some(Duration::from_secs(90 * 86_400))).expose().to_owned(),
            Statement::set_retention("d", "autogen", None).expose().to_owned(),
            show_grants("u"),
            last_config_points("d", ["a", "b"].into_iter()),
        ];
        insta::assert_snapshot!(statements.join("\n"), @r#"
        CREATE USER "u" WITH PASSWORD 'it\'s'
        SET PASSWORD FOR "u" = 'it\'s'
        GRANT ALL ON "d" TO "u"
        REVOKE ALL ON "d\"; DROP DATABASE \"x" FROM "u"
        REVOKE ALL PRIVILEGES FROM "u"
        CREATE DATABASE "d"
        CREATE DATABASE "d" WITH DURATION 3600s SHARD DURATION 3600s
        ALTER RETENTION POLICY "a\"b" ON "d" DURATION 7776000s SHARD DURATION 86400s DEFAULT
        ALTER RETENTION POLICY "autogen" ON "d" DURATION INF SHARD DURATION 604800s DEFAULT
        SHOW GRANTS FOR "u"
        SELECT last(v), data FROM "d"..config WHERE id = 'a' OR id = 'b' GROUP BY id
        "#);
    }
}
