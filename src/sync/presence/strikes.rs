//! Databases that cannot be looked at with others: what one owner's devices write must not hide another owner's.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

/// The longest pause of a database that cannot be looked at even alone.
const LONGEST: TimeDelta = TimeDelta::hours(1);

/// Batches with struck databases in one round, so that they cost the others no more than that.
const BATCHES: usize = 4;

/// Which databases are asked about in small company, or not for a while.
#[derive(Debug, Default)]
pub struct Strikes {
    of: HashMap<Uuid, Strike>,
}

#[derive(Debug, Clone, Copy)]
struct Strike {
    /// Questions that a batch with this database may have at most.
    company: usize,
    failures: u32,
    not_before: DateTime<Utc>,
}

impl Strikes {
    /// Puts what is to be asked into batches of this size, and leaves out what is not to be asked now. Of what is in each,
    /// `database` tells where it lies.
    pub fn batches<T: Copy>(
        &self,
        asked: &[T],
        database: impl Fn(T) -> Uuid,
        size: usize,
        now: DateTime<Utc>,
    ) -> Vec<Vec<T>> {
        let strike = |one: &T| self.of.get(&database(*one));
        let clean: Vec<T> = asked.iter().copied().filter(|one| strike(one).is_none()).collect();
        let mut batches: Vec<Vec<T>> = clean.chunks(size).map(<[T]>::to_vec).collect();
        let mut struck: Vec<(Strike, T)> =
            asked.iter().filter_map(|one| Some((*strike(one)?, *one))).collect();
        struck.retain(|(strike, _)| strike.not_before <= now);
        // Whoever has waited longest comes first.
        struck.sort_by_key(|(strike, _)| strike.not_before);
        let mut small: Vec<(usize, Vec<T>)> = Vec::new();
        for (strike, one) in struck {
            match small
                .iter_mut()
                .find(|(company, batch)| *company == strike.company && batch.len() < *company)
            {
                Some((_, batch)) => batch.push(one),
                None => small.push((strike.company, vec![one])),
            }
        }
        batches.extend(small.into_iter().take(BATCHES).map(|(_, batch)| batch));
        batches
    }

    /// Takes note that `databases` could not be looked at together.
    pub fn strike(&mut self, databases: &[Uuid], now: DateTime<Utc>) {
        let company = databases.len() / 2;
        for database in databases {
            let failures = self.of.get(database).map_or(0, |strike| strike.failures).saturating_add(1);
            // Alone it is its own fault.
            let pause = match company {
                0 => (TimeDelta::minutes(1) * 2_i32.saturating_pow(failures.min(10))).min(LONGEST),
                _ => TimeDelta::zero(),
            };
            self.of.insert(*database, Strike { company: company.max(1), failures, not_before: now + pause });
        }
    }

    /// Takes note that a database was looked at.
    pub fn clear(&mut self, database: Uuid) {
        self.of.remove(&database);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).unwrap()
    }

    #[test]
    fn one_bad_database_is_found_and_set_aside_and_the_others_are_looked_at() {
        let all: Vec<Uuid> = (0..100).map(Uuid::from_u128).collect();
        let bad = all[37];
        let mut strikes = Strikes::default();
        let mut rounds = 0;
        loop {
            rounds += 1;
            let batches = strikes.batches(&all, |one| one, 100, now());
            assert!(batches.len() <= 1 + BATCHES);
            let seen: usize = batches.iter().map(Vec::len).sum();
            for batch in batches {
                if batch.contains(&bad) {
                    strikes.strike(&batch, now());
                } else {
                    batch.iter().for_each(|database| strikes.clear(*database));
                }
            }
            if seen == 99 {
                break;
            }
            assert!(rounds < 20);
        }
        assert!(strikes.of.len() == 1 && strikes.of[&bad].not_before > now());
        let later = strikes.batches(&all, |one| one, 100, now() + TimeDelta::hours(1));
        assert_eq!(later.last().unwrap(), &[bad], "it gets its chance, alone");
    }
}
