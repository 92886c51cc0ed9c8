//! What crosses a socket: the parts of the server against real back ends.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic where it stands")]

mod support;
mod sync;
