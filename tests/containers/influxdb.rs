//! A stand-in for the program of InfluxDB's image, for the tests of the containers: it is told as the image is what to begin
//! with, and answers with the fake of the other tests, which has an InfluxDB 1.x of its own (`influxd`) for the points. What
//! it holds is gone when it ends.

#![expect(clippy::unwrap_used, reason = "a stand-in that cannot go on should panic where it stands")]

use std::env::var;

#[path = "../it/support"]
mod support {
    #[expect(dead_code, reason = "what the other tests ask of it")]
    pub mod influx;
    pub mod influx2 {
        #[expect(dead_code, reason = "what the other tests ask of it")]
        pub mod fake;
    }
}

#[tokio::main]
async fn main() {
    let organization = var("DOCKER_INFLUXDB_INIT_ORG").unwrap();
    let token = std::fs::read_to_string(var("DOCKER_INFLUXDB_INIT_ADMIN_TOKEN_FILE").unwrap()).unwrap();
    let listener = tokio::net::TcpListener::bind("0.0.0.0:8086").await.unwrap();
    let _fake = support::influx2::fake::Fake::serve(listener, "v2.7.1", (&organization, token.trim())).await;
    println!("Listening: a stand-in for InfluxDB 2");
    std::future::pending().await
}
