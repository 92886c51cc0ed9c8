//! `/v2`: plain JSON, entity tags, pages, problem details.

mod batches;
mod bulk;
mod history;
mod lists;
mod matrix;
mod records;
mod rotation;

use crate::support::{Answer, Session};
use serde_json::Value;

impl Session {
    /// A request on `/v2` with a body, unless that is null, and headers.
    pub async fn send(&self, method: &str, path: &str, body: &Value, headers: &[(&str, &str)]) -> Answer {
        let mut request = self.request(method, path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if !body.is_null() {
            request = request.json(body);
        }
        Answer::to(request).await
    }

    /// Makes an entry, which must work.
    pub async fn made(&self, resource: &str, body: &Value) -> Value {
        self.send("POST", &format!("/v2/{resource}"), body, &[]).await.json(201)
    }

    /// What is there, which must be something.
    pub async fn found(&self, path: &str) -> Value {
        self.send("GET", path, &Value::Null, &[]).await.json(200)
    }
}

/// The fields, codes and nothing else of a problem's `errors`.
pub fn findings(problem: &Value) -> Vec<(String, String)> {
    let text = |error: &Value, name: &str| error[name].as_str().unwrap().to_owned();
    let errors = problem["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
    errors.iter().map(|error| (text(error, "field"), text(error, "code"))).collect()
}
