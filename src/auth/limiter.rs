//! How often one may be wrong: failed sign-ins are counted by account and address, right ones cost nothing.
//!
//! Three limits, each a bucket that fills up again in time (GCRA). The one of an account *from an address* is tight, the
//! one of an address is generous, and the one of an account from everywhere slows a guessing that is spread over many
//! addresses. An outsider can so exhaust what is the outsider's own; an address from which somebody has been right
//! about an account before is held back by nothing but its own failures with it.
//!
//! The known crates for this take a token for every try, and cannot be asked without taking one: here a try is paid
//! for only once it is known to be wrong.

use crate::error::Error;
use crate::store::Clock;
use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Of each kind, what is remembered at most: some 8 MB.
const REMEMBERED: usize = 50_000;

/// Nobody waits longer, whatever the clock has done.
const LONGEST_WAIT: TimeDelta = TimeDelta::hours(1);

/// How many failures are free, and how long one takes to be forgotten.
#[derive(Debug, Clone, Copy)]
pub struct Rate {
    /// As many in a row.
    pub burst: u32,
    /// And then one in this time.
    pub every: Duration,
}

impl Rate {
    /// How much a bucket may lack for one more try to be let in.
    fn free(&self) -> TimeDelta {
        span(self.every) * i32::try_from(self.burst.saturating_sub(1)).unwrap_or(i32::MAX)
    }
}

/// The limits.
#[derive(Debug, Clone, Copy)]
pub struct Rates {
    /// For one account from one address.
    pub account_and_address: Rate,
    /// For one address, with whatever account or token.
    pub address: Rate,
    /// For one account, from all addresses from which nobody has signed in to it before.
    pub account: Rate,
}

impl Default for Rates {
    fn default() -> Self {
        let rate = |burst, seconds| Rate { burst, every: Duration::from_secs(seconds) };
        Self { account_and_address: rate(10, 60), address: rate(100, 3), account: rate(100, 5) }
    }
}

/// Something one signs in to, whether it exists or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Account([u8; 16]);

impl Account {
    /// `name` is what the resource's uniqueness compares.
    pub fn new(resource: &str, name: &str) -> Self {
        let hash = Sha256::new().chain_update(resource).chain_update([0]).chain_update(name).finalize();
        let mut short = [0; 16];
        short.copy_from_slice(&hash[..16]);
        Self(short)
    }
}

/// Where somebody comes from, as far as one can choose it freely: of IPv6, the network that a customer gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Place {
    Address(IpAddr),
    Unknown,
}

impl Place {
    fn of(address: Option<IpAddr>) -> Self {
        match address.map(|address| address.to_canonical()) {
            None => Self::Unknown,
            Some(IpAddr::V6(address)) => {
                Self::Address(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).into())
            }
            Some(address) => Self::Address(address),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Bucket {
    Both(Account, Place),
    Place(Place),
    Account(Account),
}

#[derive(Default)]
struct State {
    /// When a bucket will be full again.
    debts: HashMap<Bucket, DateTime<Utc>>,
    /// When somebody was last right about an account from there.
    known: HashMap<(Account, Place), DateTime<Utc>>,
}

/// Counts failures.
pub struct Limiter {
    rates: Rates,
    clock: Clock,
    state: Mutex<State>,
}

impl Limiter {
    /// Nobody has failed yet.
    pub fn new(rates: Rates, clock: Clock) -> Self {
        Self { rates, clock, state: Mutex::default() }
    }

    /// Whether somebody may try now; when they may, if not. A refused try costs nothing.
    pub fn check(&self, account: Option<Account>, address: Option<IpAddr>) -> Result<(), Error> {
        let (now, mut state) = ((self.clock)(), self.state.lock().unwrap_or_else(PoisonError::into_inner));
        let place = Place::of(address);
        let is_known = account.is_some_and(|account| state.known.contains_key(&(account, place)));
        let waits = self.buckets(account, place, is_known).into_iter().filter_map(|(bucket, rate)| {
            let free = now + rate.free();
            let full = state.debts.get_mut(&bucket)?;
            *full = (*full).min(free + LONGEST_WAIT);
            (*full - free).to_std().ok().filter(|wait| !wait.is_zero())
        });
        waits.max().map_or(Ok(()), |wait| Err(Error::TooMany(wait)))
    }

    /// Somebody was wrong.
    pub fn failed(&self, account: Option<Account>, address: Option<IpAddr>) {
        let (now, mut state) = ((self.clock)(), self.state.lock().unwrap_or_else(PoisonError::into_inner));
        let place = Place::of(address);
        let is_known = account.is_some_and(|account| state.known.contains_key(&(account, place)));
        // Of tries at the same time, all of which were let in, no more count for the account than one by one.
        let is_over = account.is_some_and(|account| {
            let (bucket, rate) = (Bucket::Both(account, place), self.rates.account_and_address);
            state.debts.get(&bucket).is_some_and(|full| *full > now + rate.free())
        });
        for (bucket, rate) in self.buckets(account, place, is_known) {
            if is_over && matches!(bucket, Bucket::Account(_)) {
                continue;
            }
            make_room(&mut state.debts, &bucket, |full| *full > now);
            let full = state.debts.entry(bucket).or_insert(now);
            *full = (*full).max(now) + span(rate.every);
        }
    }

    /// Somebody was right about the account, from there.
    pub fn right(&self, account: Account, address: Option<IpAddr>) {
        let (now, mut state) = ((self.clock)(), self.state.lock().unwrap_or_else(PoisonError::into_inner));
        // All who come from nowhere share one place.
        let place = Place::of(address);
        if place != Place::Unknown {
            make_room(&mut state.known, &(account, place), |_| true);
            state.known.insert((account, place), now);
        }
    }

    fn buckets(&self, account: Option<Account>, place: Place, is_known: bool) -> Vec<(Bucket, Rate)> {
        let Some(account) = account else { return vec![(Bucket::Place(place), self.rates.address)] };
        let mut buckets = vec![(Bucket::Both(account, place), self.rates.account_and_address)];
        if !is_known {
            buckets.push((Bucket::Place(place), self.rates.address));
            buckets.push((Bucket::Account(account), self.rates.account));
        }
        buckets
    }
}

/// Sees to it that one more can be remembered: what is no longer `needed` is forgotten, and then the older half.
fn make_room<K: Eq + Hash>(
    map: &mut HashMap<K, DateTime<Utc>>,
    key: &K,
    needed: impl Fn(&DateTime<Utc>) -> bool,
) {
    if map.len() < REMEMBERED || map.contains_key(key) {
        return;
    }
    map.retain(|_, time| needed(time));
    if map.len() >= REMEMBERED {
        let mut times: Vec<_> = map.values().copied().collect();
        let middle = times.len() / 2;
        let median = *times.select_nth_unstable(middle).1;
        map.retain(|_, time| *time > median);
    }
}

fn span(duration: Duration) -> TimeDelta {
    TimeDelta::from_std(duration).unwrap_or(LONGEST_WAIT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    /// A limiter whose clock stands still until it is moved.
    struct Stage {
        limiter: Limiter,
        now: Arc<Mutex<DateTime<Utc>>>,
    }

    impl Stage {
        fn new() -> Self {
            let now = Arc::new(Mutex::new(DateTime::UNIX_EPOCH));
            let clock = now.clone();
            let limiter = Limiter::new(Rates::default(), Arc::new(move || *clock.lock().unwrap()));
            Self { limiter, now }
        }

        fn pass(&self, seconds: i64) {
            *self.now.lock().unwrap() += TimeDelta::seconds(seconds);
        }

        /// How often one can be wrong in a row, and the seconds to wait then.
        fn failures(&self, account: Account, address: &str) -> (u32, u64) {
            let address = Some(address.parse().unwrap());
            for count in 0..100_000 {
                match self.limiter.check(Some(account), address) {
                    Ok(()) => self.limiter.failed(Some(account), address),
                    Err(Error::TooMany(wait)) => return (count, crate::error::seconds(&wait)),
                    Err(other) => panic!("{other}"),
                }
            }
            panic!("no limit")
        }
    }

    fn admin() -> Account {
        Account::new("users", "admin@example.com")
    }

    #[test]
    fn failures_with_an_account_from_an_address_are_few_and_forgotten_in_time() {
        let stage = Stage::new();
        assert_eq!(stage.failures(admin(), "203.0.113.1"), (10, 60));
        stage.pass(59);
        assert_eq!(stage.failures(admin(), "203.0.113.1"), (0, 1));
        stage.pass(1);
        assert_eq!(stage.failures(admin(), "203.0.113.1"), (1, 60));
        stage.pass(600);
        assert_eq!(stage.failures(admin(), "203.0.113.1").0, 10);
    }

    #[test]
    fn no_address_locks_another_one_out() {
        let stage = Stage::new();
        for _ in 0..1_000 {
            stage.failures(admin(), "203.0.113.1");
            stage.pass(10);
        }
        assert!(stage.limiter.check(Some(admin()), Some("203.0.113.2".parse().unwrap())).is_ok());
    }

    #[test]
    fn nor_does_one_that_tries_many_times_at_once() {
        let stage = Stage::new();
        let one = Some("203.0.113.1".parse().unwrap());
        for _ in 0..1_000 {
            stage.limiter.failed(Some(admin()), one);
        }
        assert!(stage.limiter.check(Some(admin()), one).is_err());
        assert!(stage.limiter.check(Some(admin()), Some("203.0.113.2".parse().unwrap())).is_ok());
    }

    #[test]
    fn guessing_from_everywhere_is_slowed_but_not_for_those_who_were_right_before() {
        let stage = Stage::new();
        let home = "198.51.100.7";
        stage.limiter.right(admin(), Some(home.parse().unwrap()));
        let tried: u32 = (1..=200).map(|n| stage.failures(admin(), &format!("203.0.113.{n}")).0).sum();
        assert_eq!(tried, 100);
        assert_eq!(stage.failures(admin(), "192.0.2.1"), (0, 5));
        assert_eq!(stage.failures(admin(), home).0, 10, "its own failures count all the same");
        assert_eq!(stage.failures(Account::new("users", "other"), "192.0.2.1").0, 10);
    }

    #[test]
    fn an_address_that_tries_account_after_account_is_stopped() {
        let stage = Stage::new();
        let mut tried = 0;
        for n in 0..100 {
            tried += stage.failures(Account::new("users", &n.to_string()), "203.0.113.1").0;
        }
        assert_eq!(tried, 100);
        let address = Some("203.0.113.1".parse().unwrap());
        assert!(stage.limiter.check(None, address).is_err(), "nor does it try tokens");
        stage.pass(3);
        assert!(stage.limiter.check(None, address).is_ok());
        // Somebody who works there goes on working.
        stage.failures(Account::new("users", "x"), "203.0.113.1");
        stage.limiter.right(admin(), address);
        assert!(stage.limiter.check(Some(admin()), address).is_ok());
    }

    #[test]
    fn a_customers_ipv6_network_is_one_address() {
        let stage = Stage::new();
        assert_eq!(stage.failures(admin(), "2001:db8::1").0, 10);
        assert_eq!(stage.failures(admin(), "2001:db8::ffff:2").0, 0);
        assert_eq!(stage.failures(admin(), "2001:db8:0:1::1").0, 10);
        assert_eq!(stage.failures(admin(), "::ffff:203.0.113.9").0, 10);
        assert_eq!(stage.failures(admin(), "203.0.113.9").0, 0);
    }

    #[test]
    fn memory_is_bounded_and_the_worst_are_remembered() {
        let stage = Stage::new();
        assert_eq!(stage.failures(admin(), "203.0.113.1").0, 10);
        for n in 0..3 * REMEMBERED {
            let account = Account::new("users", &n.to_string());
            let address = Some(IpAddr::from(u32::try_from(n).unwrap().to_be_bytes()));
            stage.limiter.failed(Some(account), address);
            stage.limiter.right(account, address);
        }
        let state = stage.limiter.state.lock().unwrap();
        assert!(state.debts.len() <= REMEMBERED + 3 && state.known.len() <= REMEMBERED);
        drop(state);
        assert_eq!(stage.failures(admin(), "203.0.113.1").0, 0);
    }

    #[test]
    fn a_clock_that_is_set_back_blocks_nobody_for_long() {
        let stage = Stage::new();
        stage.failures(admin(), "203.0.113.1");
        stage.pass(-1_000_000);
        assert_eq!(stage.failures(admin(), "203.0.113.1"), (0, 3600));
        stage.pass(3_600);
        assert_eq!(stage.failures(admin(), "203.0.113.1").0, 1);
    }
}
