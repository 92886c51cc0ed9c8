//! Passwords: sha512-crypt (`$6$`), hashed and verified off the async threads, so many at a time as there are cores.

use crate::error::Error;
use sha_crypt::{Algorithm, CustomizedPasswordHasher, Params, PasswordVerifier, ShaCrypt};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Hashes with more rounds are not verified: one sign-in would keep a core busy for minutes.
const ROUNDS_CAP: u32 = 1_000_000;

/// What a hash without `rounds=` has.
const ROUNDS_UNSTATED: u32 = 5_000;

/// Longer ones are wrong: 128 characters are at most so many bytes. The cost of a hash grows with the password.
const LONGEST: usize = 512;

/// Sign-ins that wait at most, which anybody can ask for; more are told to come back.
const SIGN_INS: usize = 128;

/// New passwords that wait at most; those are asked for by people who are signed in.
const NEW_PASSWORDS: usize = 1024;

/// What stands for a hash that is still to be made, where it is only tried whether the rest is right.
pub const NO_HASH: &str = "$6$rounds=1000$none$......................................................................................";

/// Hashes and verifies passwords.
#[derive(Clone)]
pub struct Passwords {
    rounds: u32,
    cores: Arc<Semaphore>,
    sign_ins: Arc<Semaphore>,
    new_passwords: Arc<Semaphore>,
}

/// Whether a password is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is.
    Right {
        /// The stored hash costs less than today's: hash anew while the password is at hand.
        outdated: bool,
    },
    /// It is not, or there is nobody to compare it with.
    Wrong,
}

impl Passwords {
    /// New hashes get `rounds` rounds.
    pub fn new(rounds: u32) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            rounds,
            cores: Arc::new(Semaphore::new(cores)),
            sign_ins: Arc::new(Semaphore::new(SIGN_INS)),
            new_passwords: Arc::new(Semaphore::new(NEW_PASSWORDS)),
        }
    }

    /// Hashes a password with a fresh salt.
    pub async fn hash(&self, password: &str) -> Result<String, Error> {
        let (rounds, password) = (self.rounds, password.to_owned());
        self.on_a_core(&self.new_passwords, move || {
            let params = Params::new(rounds).map_err(|e| Error::internal("hashing", e))?;
            // Twelve bytes are sixteen characters of salt: all that crypt(3) knows. The crate's default is longer,
            // and other programs would refuse or cut it.
            let salt: [u8; 12] = rand::random();
            let crypt = ShaCrypt::new(Algorithm::Sha512Crypt, params);
            let hash = crypt.hash_password_customized(password.as_bytes(), &salt, None, None, params);
            hash.map(|hash| hash.to_string()).map_err(|e| Error::internal("hashing", e))
        })
        .await?
    }

    /// Verifies a password; `None` for a user that does not exist. It takes as long either way.
    pub async fn verify(&self, password: &str, hash: Option<&str>) -> Result<Verdict, Error> {
        let (rounds, password, hash) = (self.rounds, password.to_owned(), hash.map(str::to_owned));
        self.on_a_core(&self.sign_ins, move || verify(rounds, &password, hash.as_deref())).await
    }

    async fn on_a_core<T: Send + 'static>(
        &self,
        room: &Semaphore,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        let _room = room.try_acquire().map_err(|_| {
            Error::Unavailable("too many are signing in at this moment; try again in a few seconds".into())
        })?;
        let core = self.cores.clone().acquire_owned().await.map_err(|e| Error::internal("hashing", e))?;
        let done = tokio::task::spawn_blocking(move || {
            // Held by the work itself: it goes on when the one who asked has hung up.
            let _core = core;
            work()
        });
        done.await.map_err(|e| Error::internal("hashing", e))
    }
}

fn verify(rounds: u32, password: &str, hash: Option<&str>) -> Verdict {
    let hash =
        hash.filter(|hash| password.len() <= LONGEST && stated_rounds(hash).is_some_and(|n| n <= ROUNDS_CAP));
    let (right, spent) = match hash {
        Some(hash) => (
            ShaCrypt::new(Algorithm::Sha512Crypt, Params::RECOMMENDED)
                .verify_password(password.as_bytes(), hash)
                .is_ok(),
            stated_rounds(hash).unwrap_or(ROUNDS_UNSTATED),
        ),
        None => (false, 0),
    };
    // Whoever measures the answer shall not learn whether there is such a user, or how old its hash is.
    if let Ok(missing) = Params::new(rounds.saturating_sub(spent)) {
        let bounded = &password.as_bytes()[..password.len().min(LONGEST)];
        std::hint::black_box(sha_crypt::sha512_crypt(bounded, b"time is the same", missing));
    }
    if right { Verdict::Right { outdated: spent < rounds } } else { Verdict::Wrong }
}

/// The rounds of a `$6$` hash; none when it is not one.
fn stated_rounds(hash: &str) -> Option<u32> {
    let rest = hash.strip_prefix("$6$")?;
    match rest.strip_prefix("rounds=") {
        None => Some(ROUNDS_UNSTATED),
        Some(rest) => rest.split_once('$')?.0.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    // From the specification of SHA-crypt by Ulrich Drepper: with and without stated rounds.
    const HELLO: &str = "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1";
    const ROUNDS: &str = "$6$rounds=10000$saltstringsaltst$OW1/O6BYHV6BcXZu8QVeXbDWra3Oeqh0sbHbbMCVNSnCM/UrjmM0Dp8vOuZeHBy/YTBmSK6H9qs/y3RnOaw5v.";

    #[test]
    fn verifies_hashes_of_the_old_server() {
        assert_eq!(verify(5_000, "Hello world!", Some(HELLO)), Verdict::Right { outdated: false });
        assert_eq!(verify(1_000, "Hello world!", Some(ROUNDS)), Verdict::Right { outdated: false });
        assert_eq!(verify(20_000, "Hello world!", Some(ROUNDS)), Verdict::Right { outdated: true });
        assert_eq!(verify(1_000, "Hello world?", Some(ROUNDS)), Verdict::Wrong);
        for nonsense in
            ["", "plain", "$6$", "$6$salt$short", "$6$rounds=999999999$salt$x", "$6$rounds=x$salt$y"]
        {
            assert_eq!(verify(1_000, "Hello world!", Some(nonsense)), Verdict::Wrong, "{nonsense}");
        }
    }

    #[tokio::test]
    async fn a_new_hash_is_of_the_configured_cost_and_right() {
        let passwords = Passwords::new(2_000);
        let hash = passwords.hash("12345").await.unwrap();
        assert!(hash.starts_with("$6$rounds=2000$"), "{hash}");
        assert_eq!(hash.split('$').nth(3).map(str::len), Some(16), "{hash}");
        assert_ne!(hash, passwords.hash("12345").await.unwrap());
        assert_eq!(passwords.verify("12345", Some(&hash)).await.unwrap(), Verdict::Right { outdated: false });
        assert_eq!(passwords.verify("12346", Some(&hash)).await.unwrap(), Verdict::Wrong);
    }

    #[test]
    fn nobody_can_tell_by_the_time_whether_a_user_exists() {
        let once = |hash: Option<&str>| {
            let start = Instant::now();
            assert_eq!(verify(100_000, "wrong", hash), Verdict::Wrong);
            start.elapsed()
        };
        // In turn, and the fastest of several: a busy machine only ever adds, and to both.
        let (mut unknown, mut old) = (Duration::MAX, Duration::MAX);
        for _ in 0..25 {
            unknown = unknown.min(once(None));
            old = old.min(once(Some(HELLO)));
        }
        let ratio = unknown.as_secs_f64() / old.as_secs_f64();
        assert!((0.7..1.4).contains(&ratio), "unknown user {unknown:?}, wrong password {old:?}");
    }
}
