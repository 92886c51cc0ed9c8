//! What a key is for: its user's rights, narrowed. Written as `karanas:read:own`, `*:*:all`, `sync`, `metrics`.

use super::policy::{On, Verb};

/// What a scope looks like, for the schemas of those who send one.
pub const PATTERN: &str =
    r"^(sync|metrics|(\*|[a-z][a-z0-9_-]{0,63}):(\*|read|create|update|delete):(own|all))$";

#[derive(Debug, Clone, PartialEq, Eq)]
enum Scope {
    Records {
        /// None: of every one.
        resource: Option<String>,
        /// None: all.
        verb: Option<Verb>,
        on: On,
    },
    Sync,
    Metrics,
}

impl Scope {
    fn parse(text: &str) -> Option<Self> {
        match text.split(':').collect::<Vec<_>>()[..] {
            ["sync"] => Some(Self::Sync),
            ["metrics"] => Some(Self::Metrics),
            [resource, verb, on] => Some(Self::Records {
                resource: (resource != "*").then(|| resource.to_owned()),
                verb: match verb {
                    "*" => None,
                    "read" => Some(Verb::Read),
                    "create" => Some(Verb::Create),
                    "update" => Some(Verb::Update),
                    "delete" => Some(Verb::Delete),
                    _ => return None,
                },
                on: match on {
                    "own" => On::Own,
                    "all" => On::All,
                    _ => return None,
                },
            }),
            _ => None,
        }
    }
}

/// The scopes of a key. None of them gives anything that the role of the key's user does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scopes(Vec<Scope>);

impl Scopes {
    /// Reads scopes; none when one is not understood.
    pub fn parse<T: AsRef<str>>(texts: &[T]) -> Option<Self> {
        texts.iter().map(|text| Scope::parse(text.as_ref())).collect::<Option<Vec<_>>>().map(Self)
    }

    /// The resources that are named.
    pub fn resources(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|scope| match scope {
            Scope::Records { resource, .. } => resource.as_deref(),
            _ => None,
        })
    }

    /// On which records of a resource the verb may be used.
    pub(super) fn reach(&self, verb: Verb, resource: &str) -> On {
        let mut reach = On::None;
        for scope in &self.0 {
            let Scope::Records { resource: of, verb: to, on } = scope else { continue };
            let fits = of.as_deref().is_none_or(|of| of == resource) && to.is_none_or(|to| to == verb);
            if fits && (reach == On::None || *on == On::All) {
                reach = *on;
            }
        }
        reach
    }

    pub(super) fn sync(&self) -> bool {
        self.0.contains(&Scope::Sync)
    }

    pub(super) fn metrics(&self) -> bool {
        self.0.contains(&Scope::Metrics)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::Schema;
    use serde_json::json;

    #[test]
    fn scopes_reach_as_far_as_the_widest_of_them() {
        let scopes =
            Scopes::parse(&["karanas:read:own", "karanas:read:all", "*:update:own", "users:*:own", "sync"]);
        let scopes = scopes.unwrap();
        assert_eq!(scopes.reach(Verb::Read, "karanas"), On::All);
        assert_eq!(scopes.reach(Verb::Update, "karanas"), On::Own);
        assert_eq!(scopes.reach(Verb::Delete, "karanas"), On::None);
        assert_eq!(scopes.reach(Verb::Read, "payments"), On::None);
        assert_eq!(scopes.reach(Verb::Delete, "users"), On::Own);
        assert!(scopes.sync() && !scopes.metrics());
        assert_eq!(scopes.resources().collect::<Vec<_>>(), ["karanas", "karanas", "users"]);
    }

    #[test]
    fn the_pattern_and_the_reader_agree() {
        let schema =
            Schema::new(json!({"type": "object", "properties": {"x": {"pattern": PATTERN}}})).unwrap();
        for (text, ok) in [
            ("sync", true),
            ("metrics", true),
            ("*:*:all", true),
            ("karanas:read:own", true),
            ("karanas:read", false),
            ("karanas:write:own", false),
            ("karanas:read:clients", false),
            ("Karanas!:read:own:more", false),
            ("sync:read", false),
            ("", false),
        ] {
            assert_eq!(Scopes::parse(&[text]).is_some(), ok, "{text}");
            assert_eq!(schema.check_value(&json!({"x": text})).is_empty(), ok, "{text}");
        }
    }
}
