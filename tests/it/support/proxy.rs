//! Stands between the server and a real InfluxDB, counts the requests, and lets one of them go wrong.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use karana::sync::InfluxSettings;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The connection is cut, and nothing was done.
    CutBefore,
    /// It was done, and the connection is cut.
    CutAfter,
    /// It was done, and there is no answer.
    Hang,
    /// 500, and nothing was done.
    Broken,
    /// 200 with what is no JSON, and nothing was done.
    Garbage,
    /// 200 with JSON in which there is nothing, and nothing was done.
    Empty,
    /// It was done, and half of the answer comes.
    Half,
    /// 200 with an error that quotes the request, and nothing was done.
    Refused,
    /// 400 with the same.
    Quoted,
    /// It was done; no answer comes, and no other request is done either, as when the server dies behind it.
    DieAfter,
}

pub struct Proxy {
    address: SocketAddr,
    inner: Arc<Inner>,
    accepting: JoinHandle<()>,
}

struct Inner {
    influx: InfluxSettings,
    http: reqwest::Client,
    plan: Mutex<Plan>,
    died: Notify,
}

#[derive(Default)]
struct Plan {
    /// Which request, and those after it, or it alone.
    fault: Option<(usize, Fault)>,
    forever: bool,
    seen: Vec<String>,
    dead: bool,
}

impl Proxy {
    pub async fn before(influx: InfluxSettings) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let inner = Arc::new(Inner {
            influx,
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            plan: Mutex::default(),
            died: Notify::new(),
        });
        let address = listener.local_addr().unwrap();
        let of_all = inner.clone();
        let accepting = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let inner = of_all.clone();
                tokio::spawn(async move {
                    // Whatever ends a connection is the client's to deal with.
                    let _ = inner.serve(stream).await;
                });
            }
        });
        Self { address, inner, accepting }
    }

    /// The InfluxDB behind it, by way of it.
    pub fn settings(&self) -> InfluxSettings {
        InfluxSettings { port: self.address.port(), ..self.inner.influx.clone() }
    }

    /// Begins to count anew; the request with that number, from one on, goes wrong so. Or none.
    pub fn plan(&self, fault: Option<(usize, Fault)>) {
        *self.inner.plan.lock().unwrap() = Plan { fault, ..Plan::default() };
    }

    /// From now on every request goes wrong so.
    pub fn always(&self, fault: Fault) {
        *self.inner.plan.lock().unwrap() = Plan { fault: Some((1, fault)), forever: true, ..Plan::default() };
    }

    /// The first lines of the requests since the last plan, in order.
    pub fn seen(&self) -> Vec<String> {
        self.inner.plan.lock().unwrap().seen.clone()
    }

    pub fn requests(&self) -> usize {
        self.inner.plan.lock().unwrap().seen.len()
    }

    /// Waits for [`Fault::DieAfter`].
    pub async fn died(&self) {
        self.inner.died.notified().await;
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

struct Request {
    /// Method and target.
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Inner {
    fn decide(&self, request: &Request) -> Option<Fault> {
        let mut plan = self.plan.lock().unwrap();
        plan.seen.push(format!("{} {}", request.method, request.target));
        if plan.dead {
            return Some(Fault::DieAfter);
        }
        let number = plan.seen.len();
        let forever = plan.forever;
        plan.fault.filter(|(at, _)| *at == number || forever).map(|(_, fault)| fault)
    }

    async fn serve(&self, mut stream: TcpStream) -> std::io::Result<()> {
        loop {
            let Some(request) = read(&mut stream).await? else { return Ok(()) };
            let fault = self.decide(&request);
            let quoted = serde_json::to_string(&text(&request)).unwrap();
            match fault {
                None => {
                    let answer = self.pass_on(&request).await;
                    stream.write_all(&answer).await?;
                }
                Some(Fault::CutBefore) => return Ok(()),
                Some(Fault::CutAfter) => {
                    self.pass_on(&request).await;
                    return Ok(());
                }
                Some(Fault::Half) => {
                    let answer = self.pass_on(&request).await;
                    stream.write_all(&answer[..answer.len() - answer.len().min(12)]).await?;
                    return Ok(());
                }
                Some(Fault::Hang) => {
                    self.pass_on(&request).await;
                    tokio::time::sleep(Duration::from_secs(600)).await;
                }
                Some(Fault::DieAfter) => {
                    let first = !std::mem::replace(&mut self.plan.lock().unwrap().dead, true);
                    if first {
                        self.pass_on(&request).await;
                        self.died.notify_one();
                    }
                    tokio::time::sleep(Duration::from_secs(600)).await;
                }
                Some(Fault::Broken) => stream.write_all(&made("500 Broken", "it is broken")).await?,
                Some(Fault::Garbage) => stream.write_all(&made("200 OK", "<html>no JSON</html>")).await?,
                Some(Fault::Empty) => stream.write_all(&made("200 OK", "{}")).await?,
                Some(Fault::Refused) => {
                    let body = format!(r#"{{"results":[{{"statement_id":0,"error":{quoted}}}]}}"#);
                    stream.write_all(&made("200 OK", &body)).await?;
                }
                Some(Fault::Quoted) => {
                    stream.write_all(&made("400 Bad", &format!(r#"{{"error":{quoted}}}"#))).await?;
                }
            }
        }
    }

    async fn pass_on(&self, request: &Request) -> Vec<u8> {
        let url = format!("http://127.0.0.1:{}{}", self.influx.port, request.target);
        let method = reqwest::Method::from_bytes(request.method.as_bytes()).unwrap();
        let mut passed = self.http.request(method, url).body(request.body.clone());
        for (name, value) in &request.headers {
            if !matches!(name.as_str(), "host" | "content-length" | "connection") {
                passed = passed.header(name, value);
            }
        }
        let Ok(answer) = passed.send().await else { return made("502 Away", "") };
        let status = answer.status();
        let version = answer.headers().get("x-influxdb-version").cloned();
        let version =
            version.and_then(|version| version.to_str().ok().map(str::to_owned)).unwrap_or_default();
        let body = answer.bytes().await.unwrap_or_default();
        // As any server does it: without content there is none, and no length of it either.
        let length =
            if status == 204 { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
        let head = format!("HTTP/1.1 {status}\r\nX-Influxdb-Version: {version}\r\n{length}\r\n");
        [head.as_bytes(), &body].concat()
    }
}

/// An answer that is none of InfluxDB's.
fn made(status: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// What a server might quote of a request.
fn text(request: &Request) -> String {
    let body = String::from_utf8_lossy(&request.body);
    match form_urlencoded::parse(body.as_bytes()).find(|(name, _)| name == "q") {
        Some((_, query)) => format!("error parsing query: {query}"),
        None => format!("unable to parse: {body}"),
    }
}

/// One request; none at the end of the connection.
async fn read(stream: &mut TcpStream) -> std::io::Result<Option<Request>> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        let mut buffer = [0; 8192];
        match stream.read(&mut buffer).await? {
            0 => return Ok(None),
            length => bytes.extend_from_slice(&buffer[..length]),
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.lines();
    let mut first = lines.next().unwrap_or_default().split(' ').map(str::to_owned);
    let (method, target) = (first.next().unwrap_or_default(), first.next().unwrap_or_default());
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length: usize = length.and_then(|(_, value)| value.parse().ok()).unwrap_or_default();
    let mut body = bytes[end + 4..].to_vec();
    let begun = body.len();
    body.resize(length, 0);
    if begun < length {
        stream.read_exact(&mut body[begun..]).await?;
    }
    Ok(Some(Request { method, target, headers, body }))
}
