//! A stand-in for the program of Grafana's Debian package, for the tests of the deployment: it is configured, started and
//! asked like Grafana, and answers with the fake of the other tests. Its organizations are gone when it ends; the
//! administrator stays: Grafana reads name and password from its configuration at its very first start alone.

#![expect(clippy::unwrap_used, reason = "a stand-in that cannot go on should panic where it stands")]

use std::io::Read;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand};
use ini::Ini;

#[path = "../../it/support/grafana"]
mod grafana {
    #[expect(dead_code, reason = "what the other tests ask of it")]
    pub mod fake;
}

#[derive(Parser)]
enum Program {
    /// Answers HTTP.
    Server {
        #[arg(long, default_value = "/etc/grafana/grafana.ini")]
        config: PathBuf,
        #[arg(long, default_value = "/var/lib/grafana")]
        data: PathBuf,
        /// Taken and ignored, as all else that the unit of the package gives.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        more: Vec<String>,
    },
    /// Does what there is no HTTP for.
    Cli {
        #[arg(long)]
        homepath: Option<PathBuf>,
        #[arg(long)]
        config: Option<PathBuf>,
        #[arg(long, default_value = "/var/lib/grafana")]
        data: PathBuf,
        #[command(subcommand)]
        command: Cli,
    },
}

#[derive(Subcommand)]
enum Cli {
    #[command(subcommand)]
    Admin(Admin),
}

#[derive(Subcommand)]
enum Admin {
    ResetAdminPassword {
        #[arg(long)]
        password_from_stdin: bool,
        password: Option<String>,
    },
}

#[tokio::main]
async fn main() {
    match Program::parse() {
        Program::Server { config, data, more: _ } => serve(&config, data).await,
        Program::Cli { data, command: Cli::Admin(Admin::ResetAdminPassword { password, .. }), .. } => {
            let password = password.unwrap_or_else(|| {
                let mut text = String::new();
                std::io::stdin().read_to_string(&mut text).unwrap();
                text.trim_end_matches('\n').to_owned()
            });
            let (login, _) = administrator(&data).unwrap();
            keep(&data, &login, &password);
            println!("Admin password changed successfully ✔");
        }
    }
}

async fn serve(config: &std::path::Path, data: PathBuf) {
    let config = Ini::load_from_file_noescape(config).unwrap();
    // From the environment, the file, a file that it names, or else as Grafana has it.
    let setting = |section: &str, key: &str, default: &str| {
        let variable = format!("GF_{}_{}", section.to_uppercase(), key.to_uppercase());
        let value = std::env::var(variable).ok();
        let value = value.or_else(|| config.get_from(Some(section), key).map(str::to_owned));
        let value = value.unwrap_or_else(|| default.into());
        match value.strip_prefix("$__file{").and_then(|rest| rest.strip_suffix('}')) {
            Some(path) => std::fs::read_to_string(path).unwrap().trim().to_owned(),
            None => value,
        }
    };
    let (login, password) = administrator(&data).unwrap_or_else(|| {
        let (login, password) =
            (setting("security", "admin_user", "admin"), setting("security", "admin_password", "admin"));
        keep(&data, &login, &password);
        (login, password)
    });
    let host = setting("server", "http_addr", "");
    let host = if host.is_empty() { "0.0.0.0" } else { &host };
    let address: SocketAddr = format!("{host}:{}", setting("server", "http_port", "3000")).parse().unwrap();
    let listener = tokio::net::TcpListener::bind(address).await.unwrap();
    println!("HTTP Server Listen: a stand-in for Grafana, address={address}");
    let fake = grafana::fake::Fake::serve(listener, (&login, &password));
    fake.set_new_role(&setting("users", "auto_assign_org_role", "Viewer"));
    let mut pause = tokio::time::interval(Duration::from_millis(200));
    loop {
        pause.tick().await;
        if let Some((_, password)) = administrator(&data) {
            fake.set_admin_password(&password);
        }
    }
}

/// Login and password, a line each.
fn administrator(data: &std::path::Path) -> Option<(String, String)> {
    let text = std::fs::read_to_string(data.join("administrator")).ok()?;
    let (login, password) = text.split_once('\n')?;
    Some((login.to_owned(), password.to_owned()))
}

fn keep(data: &std::path::Path, login: &str, password: &str) {
    std::fs::write(data.join("administrator"), format!("{login}\n{password}")).unwrap();
}
