//! What the server answers, and what every answer must be.

use reqwest::header::{CONTENT_TYPE, HeaderMap};
use serde_json::Value;

/// One answer, unread.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    /// Sends the request. No answer whatsoever may hold a password's hash.
    pub async fn to(request: reqwest::RequestBuilder) -> Self {
        let response = request.send().await.expect("the server answers");
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let answer = Self { status, headers, body: response.bytes().await.expect("a whole body").to_vec() };
        // What is packed is no text: by chance it may hold anything.
        let is_text = answer.header("content-encoding").is_empty();
        assert!(!is_text || !answer.text().contains("$6$"), "a password's hash was sent: {}", answer.text());
        answer
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The text inside the one JSON string that a success on `/v1` is.
    pub fn inner(&self) -> String {
        assert_eq!(self.status, 200, "{}", self.text());
        assert_eq!(self.header(CONTENT_TYPE.as_str()), "application/json");
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|e| panic!("a success is one JSON string ({e}): {}", self.text()))
    }

    /// A success, decoded twice: the one thing in `results`.
    pub fn results(&self) -> Value {
        let decoded: Value = serde_json::from_str(&self.inner()).expect("JSON in the string");
        let results = decoded.as_object().filter(|o| o.len() == 1).and_then(|o| o["results"].as_array());
        match results.map(Vec::as_slice) {
            Some([one]) => one.clone(),
            _ => panic!("not of the form {{\"results\": [one]}}: {decoded}"),
        }
    }

    /// The entry in the results, which must be filed under `uuid` and be the only one.
    pub fn entry(&self, uuid: &str) -> Value {
        let results = self.results();
        assert_eq!(results.as_object().unwrap().keys().collect::<Vec<_>>(), [uuid]);
        results[uuid].clone()
    }

    /// The title and the reason of a refusal, which is encoded once.
    pub fn error(&self) -> (String, String) {
        assert!(self.status >= 400, "not refused: {} {}", self.status, self.text());
        assert_eq!(self.header(CONTENT_TYPE.as_str()), "application/json", "{}", self.text());
        let decoded: Value = serde_json::from_slice(&self.body)
            .unwrap_or_else(|e| panic!("a refusal is JSON, encoded once ({e}): {}", self.text()));
        let errors = decoded.as_object().filter(|o| o.len() == 1).and_then(|o| o["errors"].as_object());
        match errors.filter(|errors| errors.len() == 1).and_then(|errors| errors.iter().next()) {
            Some((title, Value::String(reason))) => (title.clone(), reason.clone()),
            _ => panic!("not of the form {{\"errors\": {{title: reason}}}}: {decoded}"),
        }
    }

    /// Checks a refusal's status and title; answers with its reason.
    #[track_caller]
    pub fn refused(&self, status: u16, title: &str) -> String {
        let (got, reason) = self.error();
        assert_eq!((self.status, got.as_str()), (status, title), "{reason}");
        reason
    }

    /// A success on `/v2`.
    #[track_caller]
    pub fn json(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        assert_eq!(self.header(CONTENT_TYPE.as_str()), "application/json", "{}", self.text());
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("not JSON ({e}): {}", self.text()))
    }

    /// Checks a refusal outside of `/v1`: problem details (RFC 9457) with that status and code.
    #[track_caller]
    pub fn problem(&self, status: u16, code: &str) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        assert_eq!(self.header(CONTENT_TYPE.as_str()), "application/problem+json", "{}", self.text());
        let problem: Value =
            serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("not JSON ({e}): {}", self.text()));
        assert_eq!((&problem["status"], &problem["code"]), (&status.into(), &code.into()), "{problem}");
        for name in ["type", "title", "detail"] {
            assert!(problem[name].as_str().is_some_and(|text| !text.is_empty()), "{name}: {problem}");
        }
        assert_eq!(problem["request_id"], self.header("x-request-id"));
        problem
    }
}
