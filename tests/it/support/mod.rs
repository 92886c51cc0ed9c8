//! What the tests stand on: the real program in a folder of its own, clients that speak to it, and what they are told.

mod answer;
pub mod influx;
mod program;
mod session;

pub use answer::Answer;
pub use program::{Ended, Home, Server, git, record};
pub use session::{Person, Session, user};
