//! The `karana` program.

fn main() -> std::process::ExitCode {
    karana::cli::run()
}
