//! So many readers of the event stream at a time, for `benches/events.sh`: what each costs the server, and how long a change
//! takes to reach all of them.

use anyhow::{Context, Result, ensure};
use clap::Parser;
use futures::StreamExt;
use futures::stream::{self, FuturesUnordered};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[derive(Parser)]
struct Options {
    /// Address of the server, such as http://127.0.0.1:8000
    server: String,
    /// A token of an admin
    token: String,
    /// Readers
    #[arg(long, default_value_t = 10_000)]
    readers: usize,
    /// Changes
    #[arg(long, default_value_t = 20)]
    changes: usize,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let options = Options::parse();
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum })?;
    let http = reqwest::Client::builder().no_proxy().build()?;
    let call = |method: &str, path: &str| {
        let method = method.parse().unwrap_or_default();
        http.request(method, format!("{}{path}", options.server)).bearer_auth(&options.token)
    };
    let made = call("POST", "/v2/karanas").json(&json!({"name": "Roof", "owner": null, "config": {}}));
    let made: Value = made.send().await?.error_for_status()?.json().await?;
    let path = format!("/v2/karanas/{}", made["uuid"].as_str().context("a uuid")?);

    let before = memory(call("GET", "/metrics")).await?;
    let begin = Instant::now();
    let mut readers = Vec::with_capacity(options.readers);
    let address = options.server.trim_start_matches("http://");
    let mut opening =
        stream::iter(0..options.readers).map(|_| open(address, &options.token)).buffer_unordered(64);
    while let Some(reader) = opening.next().await {
        readers.push(reader?);
    }
    println!("{} readers, all there after {:.1} s", readers.len(), begin.elapsed().as_secs_f64());

    let mut took = Vec::new();
    for n in 0..options.changes {
        let waiting: FuturesUnordered<_> = readers.iter_mut().map(next_event).collect();
        let begin = Instant::now();
        let change = call("PATCH", &path).json(&json!({"note": format!("change {n}")})).send();
        let (answer, told) = tokio::join!(change, waiting.collect::<Vec<_>>());
        answer?.error_for_status()?;
        told.into_iter().collect::<Result<Vec<_>>>()?;
        took.push(begin.elapsed());
    }
    took.sort_unstable();
    let seconds = |at: usize| took.get(at).map_or(0.0, Duration::as_secs_f64);
    println!(
        "a change reaches all within {:.3} s (median), {:.3} s (longest of {})",
        seconds(took.len() / 2),
        seconds(took.len() - 1),
        took.len()
    );
    let after = memory(call("GET", "/metrics")).await?;
    println!(
        "memory of the server: {:.0} MB before, {:.0} MB with them, {:.1} kB each",
        before / 1e6,
        after / 1e6,
        (after - before) / 1e3 / readers.len() as f64
    );
    Ok(())
}

/// Opens a stream and waits until it has begun.
async fn open(address: &str, token: &str) -> Result<TcpStream> {
    let mut socket = TcpStream::connect(address).await?;
    let ask = format!("GET /v2/events HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n\r\n");
    socket.write_all(ask.as_bytes()).await?;
    let greeting = until(&mut socket, "retry: ").await?;
    ensure!(greeting.starts_with("HTTP/1.1 200"), "{greeting}");
    Ok(socket)
}

async fn next_event(socket: &mut TcpStream) -> Result<()> {
    until(socket, "event: change").await.map(|_| ())
}

/// Reads up to the end of the message that holds `wanted`.
async fn until(socket: &mut TcpStream, wanted: &str) -> Result<String> {
    let mut text = String::new();
    let mut part = [0; 1024];
    loop {
        let length = socket.read(&mut part).await?;
        ensure!(length > 0, "the stream has ended: {text}");
        text.push_str(std::str::from_utf8(&part[..length])?);
        if text.find(wanted).is_some_and(|at| text[at..].contains("\n\n")) {
            return Ok(text);
        }
    }
}

/// What the server has in memory, in bytes.
async fn memory(metrics: reqwest::RequestBuilder) -> Result<f64> {
    let text = metrics.send().await?.error_for_status()?.text().await?;
    let line = text.lines().find_map(|line| line.strip_prefix("process_resident_memory_bytes "));
    Ok(line.context("the server's memory")?.parse()?)
}
