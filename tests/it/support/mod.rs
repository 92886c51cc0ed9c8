//! What the tests stand on: the real program in a folder of its own, clients that speak to it, and what they are told.

mod answer;
mod dice;
pub mod grafana;
pub mod influx;
pub mod influx2;
mod mount;
pub mod oracle;
mod program;
pub mod proxy;
pub mod receiver;
mod session;

pub use answer::Answer;
pub use dice::Dice;
pub use mount::Mounted;
pub use program::{Ended, Home, PATIENCE, Running, Server, git, record};
pub use session::{Person, Session, user};

/// Whether the long forms are asked for.
pub fn long_form() -> bool {
    std::env::var_os("LONG_TESTS").is_some()
}

/// How often a test with a short and a long form does what it does.
pub fn times(short: usize, long: usize) -> usize {
    if long_form() { long } else { short }
}
