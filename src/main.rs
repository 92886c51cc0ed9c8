//! The `karana` program.

/// A write makes and drops hundreds of small values on several threads; the system's allocator takes a fifth of its time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    karana::cli::run()
}
