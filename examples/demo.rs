//! The demo that `run.sh` shows: an owner with two karanas, and the two devices at work.
//!
//! The devices speak as the firmware does: they poll their configuration from InfluxDB, take its line apart, and post
//! what they measured to where it says. What they sent is read back as their owner, and a stranger's device is turned
//! away. Fails at the first thing that is not as it should be.

use anyhow::{Context, Result, bail, ensure};
use chrono::{Local, Utc};
use clap::Parser;
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use std::time::Duration;

/// Made by the server itself in test mode.
const ADMIN: Login = Login { email: "admin@example.com", password: "admin" };
const OWNER: Login = Login { email: "demo@example.com", password: "demo-owner" };
/// Another owner, whose device is to be kept away from the first one's data.
const NEIGHBOUR: Login = Login { email: "neighbour@example.com", password: "demo-neighbour" };

const POINTS_A_POST: i64 = 3;
const PAUSE: Duration = Duration::from_secs(5);

#[derive(Parser)]
struct Options {
    /// Address of the server, such as http://127.0.0.1:8000
    server: String,
    /// Address of its InfluxDB, as a device is told before it is handed over
    influx: String,
    /// End after the first round trip
    #[arg(long)]
    once: bool,
}

#[tokio::main]
async fn main() -> Result<()> {
    let Options { server, influx, once } = Options::parse();
    // All is on this machine: a proxy from the environment must not come between.
    let http = Client::builder().no_proxy().timeout(Duration::from_secs(30)).build()?;
    let server = server.trim_end_matches('/').to_owned();

    let admin = Api::sign_in(&http, &server, &ADMIN).await.context("signing in as admin")?;
    let owner_id = admin.owner(&OWNER, "Demo").await?;
    let neighbour_id = admin.owner(&NEIGHBOUR, "Neighbour").await?;
    let mut devices = Vec::new();
    for name in ["Demo roof", "Demo barn"] {
        devices.push(Device::new(&http, &influx, admin.karana(name, &owner_id).await?)?);
    }
    let mut stranger = Device::new(&http, &influx, admin.karana("Neighbour roof", &neighbour_id).await?)?;
    admin.sync().await?;
    println!("    owner {} has karanas {} and {}", OWNER.email, devices[0].name, devices[1].name);

    let api = Api::sign_in(&http, &server, &OWNER).await.context("signing in as the owner")?;
    api.sees_only(&owner_id, &devices, &stranger).await?;
    let owner = Reader::new(&http, &influx, &api.get("users", &owner_id).await?)?;

    let mut sent = 0;
    for device in &mut devices {
        sent += device.round_trip(&owner).await.with_context(|| device.name.clone())?;
    }
    stranger.poll().await.with_context(|| stranger.name.clone())?;
    stranger.is_turned_away(&owner).await?;
    owner.cannot_write().await?;
    println!(
        "    round trip: {sent} points posted by 2 devices and read back by their owner, each value as sent"
    );
    println!("    refused: a stranger's device, a wrong password, and the owner's writing");
    introduce(&server, &influx, &owner, &devices);
    if once {
        return Ok(());
    }
    go_on(&owner, &mut devices).await
}

fn introduce(server: &str, influx: &str, owner: &Reader, devices: &[Device]) {
    println!("\n  web page   {server}/");
    println!("  API        {server}/docs   (is it well? {server}/health/ready)");
    println!("  admin      {} / {}", ADMIN.email, ADMIN.password);
    println!("  owner      {} / {}", OWNER.email, OWNER.password);
    println!("  neighbour  {} / {}", NEIGHBOUR.email, NEIGHBOUR.password);
    println!("  InfluxDB   {influx}");
    println!("             the owner reads database {} as user {}", owner.database, owner.database);
    println!("             with the password {}", owner.password);
    for device in devices {
        println!("  {:<9}  {}", device.name, device.uuid);
    }
    println!();
}

/// The devices' life. What goes wrong now may be the visitor's doing, who suspends or moves a device: it is told.
async fn go_on(owner: &Reader, devices: &mut [Device]) -> Result<()> {
    loop {
        tokio::time::sleep(PAUSE).await;
        for device in &mut *devices {
            let now = Local::now().format("%H:%M:%S");
            match device.round_trip(owner).await {
                Ok(points) => println!("{now} {}: {points} points posted and read back", device.name),
                Err(error) => println!("{now} {}: {error:#}", device.name),
            }
        }
    }
}

struct Login {
    email: &'static str,
    password: &'static str,
}

/// `/v1` of the server, signed in.
struct Api {
    http: Client,
    server: String,
    token: String,
}

impl Api {
    async fn sign_in(http: &Client, server: &str, login: &Login) -> Result<Self> {
        let body = json!({"user": login.email, "password": login.password});
        let request = http.post(format!("{server}/v1/users/login")).json(&body);
        let token = text(&results(request).await?, "/token")?;
        Ok(Self { http: http.clone(), server: server.to_owned(), token })
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}/v1/{path}", self.server)).bearer_auth(&self.token)
    }

    /// All entries of a resource that this user sees.
    async fn list(&self, resource: &str) -> Result<Vec<Value>> {
        let found = results(self.request(Method::GET, resource)).await?;
        Ok(found.as_object().context("a list is an object")?.values().cloned().collect())
    }

    async fn get(&self, resource: &str, uuid: &str) -> Result<Value> {
        let found = results(self.request(Method::GET, &format!("{resource}/{uuid}"))).await?;
        found.get(uuid).cloned().with_context(|| format!("no {uuid} in the answer"))
    }

    /// Makes an entry, as the clients of 2017 do: `data` is a string.
    async fn create(&self, resource: &str, entry: &Value) -> Result<String> {
        let body = json!({"data": entry.to_string()});
        let made = results(self.request(Method::POST, &format!("{resource}/new")).json(&body)).await;
        text(&made.with_context(|| format!("making one of {resource}"))?, "/uuid")
    }

    /// The uuid of the user with this login, who is made unless an earlier run did.
    async fn owner(&self, login: &Login, name: &str) -> Result<String> {
        let users = self.list("users").await?;
        if let Some(user) = users.iter().find(|user| user["email"] == login.email) {
            return text(user, "/uuid");
        }
        let credentials = json!({"login": login.email, "password": login.password});
        let user = json!({"name": name, "email": login.email, "role": "client", "credentials": credentials});
        self.create("users", &user).await
    }

    /// The owner's karana with this name, made unless an earlier run did.
    async fn karana(&self, name: &str, owner: &str) -> Result<Value> {
        let karanas = self.list("karanas").await?;
        if let Some(found) = karanas.into_iter().find(|k| k["name"] == name && k["owner"] == owner) {
            return Ok(found);
        }
        let karana = json!({"name": name, "note": "Made by the demo", "config": {}, "owner": owner});
        let uuid = self.create("karanas", &karana).await?;
        self.get("karanas", &uuid).await
    }

    /// Brings the records to InfluxDB.
    async fn sync(&self) -> Result<()> {
        let report = results(self.request(Method::POST, "sync/all/db")).await.context("syncing")?;
        let count = |resource: &str, what: &str| report[resource][what].as_u64();
        let failed = [count("users", "failed"), count("karanas", "failed")];
        ensure!(failed == [Some(0), Some(0)], "not everything could be synced: {report}");
        let synced = count("users", "synced") >= Some(2) && count("karanas", "synced") >= Some(3);
        ensure!(synced, "the owners and karanas were not synced: {report}");
        Ok(())
    }

    /// An owner's view: its own karanas, and nothing of the neighbour's.
    async fn sees_only(&self, owner: &str, devices: &[Device], stranger: &Device) -> Result<()> {
        let karanas = self.list("karanas").await?;
        ensure!(karanas.iter().all(|karana| karana["owner"] == owner), "the owner sees others' karanas");
        for device in devices {
            ensure!(
                karanas.iter().any(|karana| karana["uuid"] == *device.uuid),
                "{} is missing",
                device.name
            );
        }
        let answer = self.request(Method::GET, &format!("karanas/{}", stranger.uuid)).send().await?;
        let hidden = [StatusCode::FORBIDDEN, StatusCode::NOT_FOUND].contains(&answer.status());
        ensure!(hidden, "the owner may read the neighbour's karana: {}", answer.status());
        Ok(())
    }
}

/// What `/v1` answers: JSON in a JSON string, one result in a list; a failure is JSON once.
async fn results(request: RequestBuilder) -> Result<Value> {
    let answer = request.send().await?;
    let (status, path) = (answer.status(), answer.url().path().to_owned());
    let body = answer.text().await?;
    ensure!(status == StatusCode::OK, "{path}: {status}: {body}");
    let inner: String = serde_json::from_str(&body).with_context(|| format!("{path}: {body}"))?;
    let mut answer: Value = serde_json::from_str(&inner).with_context(|| format!("{path}: {inner}"))?;
    answer.pointer_mut("/results/0").map(Value::take).with_context(|| format!("{path}: {inner}"))
}

fn text(value: &Value, pointer: &str) -> Result<String> {
    let found = value.pointer(pointer).and_then(Value::as_str);
    Ok(found.with_context(|| format!("there is no text at {pointer}"))?.to_owned())
}

/// A field device: what it was given before it was handed over, and what it has polled since.
struct Device {
    http: Client,
    name: String,
    uuid: String,
    config: Config,
}

/// What a configuration line tells: `%host:port%series%database%password%signal%post_int%get_int%`.
#[derive(Debug, PartialEq)]
struct Config {
    host: String,
    series: String,
    database: String,
    password: String,
    intervals: [u32; 3],
}

impl Config {
    fn parse(line: &str) -> Result<Self> {
        let parts: Vec<&str> = line.split('%').collect();
        let ["", host, series, database, password, signal, post_int, get_int, ""] = parts[..] else {
            bail!("the configuration line has {} parts", parts.len());
        };
        let intervals = [signal.parse()?, post_int.parse()?, get_int.parse()?];
        let [host, series, database, password] = [host, series, database, password].map(str::to_owned);
        Ok(Self { host, series, database, password, intervals })
    }
}

/// What was measured in one second.
struct Point {
    time: i64,
    fields: [(&'static str, i64); 3],
}

impl Device {
    /// `karana` is its record as an admin sees it.
    fn new(http: &Client, influx: &str, karana: Value) -> Result<Self> {
        let [uuid, name, database] = ["/uuid", "/name", "/owner"].map(|pointer| text(&karana, pointer));
        let number = |key: &str| karana["config"][key].as_u64()?.try_into().ok();
        let intervals = [number("signal"), number("post_int"), number("get_int")];
        let [Some(signal), Some(post_int), Some(get_int)] = intervals else {
            bail!("not numbers: {intervals:?}")
        };
        let config = Config {
            host: influx.trim_start_matches("http://").to_owned(),
            series: text(&karana, "/config/series")?,
            database: database?,
            password: text(&karana, "/config/password")?,
            intervals: [signal, post_int, get_int],
        };
        Ok(Self { http: http.clone(), name: name?, uuid: uuid?, config })
    }

    async fn round_trip(&mut self, owner: &Reader) -> Result<usize> {
        self.poll().await.context("polling its configuration")?;
        let points = self.measure();
        self.post(&points).await.context("posting")?;
        owner.has(&self.config.series, &self.uuid, &points).await.context("reading back")?;
        Ok(points.len())
    }

    /// Takes its configuration from InfluxDB. It must be what the record says; a change of the record shows at once in
    /// the line, and is believed.
    async fn poll(&mut self) -> Result<()> {
        let select = format!("select last(v),data from config where id='{}'", self.uuid);
        let answer = self.query(&self.config.database, &select).await?;
        let (status, body) = (answer.status(), answer.text().await?);
        ensure!(status == StatusCode::OK, "{status}: {}", body.trim());
        let rows = rows(&body)?;
        let line = rows.first().and_then(|row| row["data"].as_str()).context("there is no line for it")?;
        let polled = Config::parse(line)?;
        ensure!(
            polled.host == self.config.host,
            "it is sent to {} instead of {}",
            polled.host,
            self.config.host
        );
        ensure!(polled.database == self.config.database, "it is sent to the database of {}", polled.database);
        self.config = polled;
        Ok(())
    }

    /// Made up, and different for each device and second, so that nothing can be taken for another.
    fn measure(&self) -> Vec<Point> {
        let now = Utc::now().timestamp();
        let own: i64 = self.uuid.bytes().map(i64::from).sum();
        let at = |time: i64| {
            let fields =
                [("battery_mv", 12_000 + time % 1000), ("solar_mw", own), ("temperature_c", -5 + time % 40)];
            Point { time, fields }
        };
        (now - POINTS_A_POST + 1..=now).map(at).collect()
    }

    async fn post(&self, points: &[Point]) -> Result<()> {
        let answer = self.write(&self.config.database, &self.config.password, points).await?;
        let status = answer.status();
        ensure!(status == StatusCode::NO_CONTENT, "{status}: {}", answer.text().await?.trim());
        Ok(())
    }

    async fn write(&self, database: &str, password: &str, points: &[Point]) -> Result<reqwest::Response> {
        let lines: Vec<String> = points
            .iter()
            .map(|Point { time, fields }| {
                let fields = fields.map(|(name, value)| format!("{name}={value}")).join(",");
                format!("{},KID={} {fields} {time}", self.config.series, self.uuid)
            })
            .collect();
        let query = [("db", database), ("u", &self.uuid), ("p", password), ("precision", "s")];
        let url = format!("http://{}/write", self.config.host);
        Ok(self.http.post(url).query(&query).body(lines.join("\n")).send().await?)
    }

    async fn query(&self, database: &str, select: &str) -> Result<reqwest::Response> {
        let query = [("db", database), ("u", &self.uuid), ("p", &self.config.password), ("q", select)];
        Ok(self.http.get(format!("http://{}/query", self.config.host)).query(&query).send().await?)
    }

    /// With all it knows it neither writes to another owner's database nor reads there. An InfluxDB 2 does not even say that
    /// it is there.
    async fn is_turned_away(&self, owner: &Reader) -> Result<()> {
        let points = self.measure();
        let written = self.write(&owner.database, &self.config.password, &points).await?.status();
        let refused = [StatusCode::FORBIDDEN, StatusCode::NOT_FOUND].contains(&written);
        ensure!(refused, "a stranger's device may write: {written}");
        let read = self.query(&owner.database, "select * from config").await?;
        let (status, body) = (read.status(), read.text().await?);
        let unknown = status == StatusCode::OK && body.contains("\"error\":\"database not found");
        ensure!(status == StatusCode::FORBIDDEN || unknown, "a stranger's device may read: {status}: {body}");
        let guessed = self.write(&self.config.database, "guessed", &points).await?.status();
        ensure!(guessed == StatusCode::UNAUTHORIZED, "a wrong password is let in: {guessed}");
        let found = owner.rows(&self.config.series, &self.uuid, &points).await?;
        ensure!(found.is_empty(), "a stranger's device has left {} points", found.len());
        Ok(())
    }
}

/// An owner in InfluxDB: reads its own database.
struct Reader {
    http: Client,
    influx: String,
    database: String,
    password: String,
}

impl Reader {
    /// `user` is the owner's record as the owner sees it.
    fn new(http: &Client, influx: &str, user: &Value) -> Result<Self> {
        let (database, password) = (text(user, "/uuid")?, text(user, "/password_influx")?);
        Ok(Self { http: http.clone(), influx: influx.to_owned(), database, password })
    }

    /// What there is from a device in the time of these points.
    async fn rows(&self, series: &str, kid: &str, points: &[Point]) -> Result<Vec<Value>> {
        let (Some(first), Some(last)) = (points.first(), points.last()) else { return Ok(Vec::new()) };
        let series = series.replace('\\', "\\\\").replace('"', "\\\"");
        let select = format!(
            "SELECT * FROM \"{series}\" WHERE KID = '{kid}' AND time >= {}s AND time <= {}s",
            first.time, last.time
        );
        let form = [("db", self.database.as_str()), ("epoch", "s"), ("q", &select)];
        let request = self.http.post(format!("{}/query", self.influx)).form(&form);
        let answer = request.basic_auth(&self.database, Some(&self.password)).send().await?;
        let (status, body) = (answer.status(), answer.text().await?);
        ensure!(status == StatusCode::OK, "{status}: {}", body.trim());
        rows(&body)
    }

    /// Whether exactly these points are there.
    async fn has(&self, series: &str, kid: &str, points: &[Point]) -> Result<()> {
        let found = self.rows(series, kid, points).await?;
        ensure!(found.len() == points.len(), "{} of {} points are there", found.len(), points.len());
        for (point, row) in points.iter().zip(&found) {
            ensure!(row["time"].as_i64() == Some(point.time), "no point at {}: {row}", point.time);
            for (name, value) in point.fields {
                ensure!(row[name].as_f64() == Some(value as f64), "{name} was sent as {value}: {row}");
            }
        }
        Ok(())
    }

    async fn cannot_write(&self) -> Result<()> {
        let request = self.http.post(format!("{}/write", self.influx)).query(&[("db", &self.database)]);
        let request = request.basic_auth(&self.database, Some(&self.password)).body("data,KID=none v=1");
        let status = request.send().await?.status();
        ensure!(status == StatusCode::FORBIDDEN, "the owner may write: {status}");
        Ok(())
    }
}

/// The rows of InfluxDB's answer to one SELECT of one measurement; a failed statement is an error.
fn rows(body: &str) -> Result<Vec<Value>> {
    let answer: Value = serde_json::from_str(body).with_context(|| body.to_owned())?;
    let result = &answer["results"][0];
    if let Some(error) = result["error"].as_str() {
        bail!("{error}");
    }
    let Some(series) = result["series"].get(0) else { return Ok(Vec::new()) };
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let columns: Vec<String> =
        list(&series["columns"]).iter().filter_map(|c| c.as_str().map(str::to_owned)).collect();
    let row = |values: &Value| columns.iter().cloned().zip(list(values)).collect::<Value>();
    Ok(list(&series["values"]).iter().map(row).collect())
}
