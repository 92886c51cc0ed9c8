//! Somebody who speaks to the server the way the clients of 2017 do.

use super::Answer;
use reqwest::Method;
use serde_json::{Value, json};

/// Somebody who speaks to the server, signed in or not.
#[derive(Clone)]
pub struct Session {
    http: reqwest::Client,
    address: String,
    pub token: Option<String>,
}

/// Somebody who has signed in, and the entry that they are.
pub struct Person {
    pub uuid: String,
    pub email: String,
    pub password: String,
    pub session: Session,
}

impl Session {
    pub fn new(address: &str) -> Self {
        let http = reqwest::Client::builder()
            .no_proxy()
            .timeout(std::time::Duration::from_secs(60))
            .build()
            .expect("a client");
        Self { http, address: address.to_owned(), token: None }
    }

    pub fn with_token(&self, token: impl Into<String>) -> Self {
        Self { token: Some(token.into()), ..self.clone() }
    }

    /// A request, to be completed.
    pub fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let request = self.http.request(method, format!("{}{path}", self.address));
        match &self.token {
            Some(token) => request.header("authorization", format!("Bearer {token}")),
            None => request,
        }
    }

    /// A request with `data` as a string of JSON in a JSON body, as the old clients send it; without a body for null.
    pub async fn call(&self, method: &str, path: &str, data: &Value) -> Answer {
        let request = self.request(method, path);
        if data.is_null() {
            return Answer::to(request).await;
        }
        Answer::to(request.json(&json!({"data": data.to_string()}))).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.call("GET", path, &Value::Null).await
    }

    pub async fn post(&self, path: &str, data: &Value) -> Answer {
        self.call("POST", path, data).await
    }

    pub async fn put(&self, path: &str, data: &Value) -> Answer {
        self.call("PUT", path, data).await
    }

    pub async fn patch(&self, path: &str, data: &Value) -> Answer {
        self.call("PATCH", path, data).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.call("DELETE", path, &Value::Null).await
    }

    /// Creates an entry that must be fine; answers with its uuid.
    pub async fn create(&self, resource: &str, data: &Value) -> String {
        let results = self.post(&format!("/v1/{resource}/new"), data).await.results();
        results["uuid"].as_str().expect("a uuid").to_owned()
    }

    /// An entry that must be there.
    pub async fn read(&self, resource: &str, uuid: &str) -> Value {
        self.get(&format!("/v1/{resource}/{uuid}")).await.entry(uuid)
    }

    /// What signing in is answered with.
    pub async fn try_login(&self, user: &str, password: &str) -> Answer {
        let body = json!({"user": user, "password": password});
        Answer::to(self.request("POST", "/v1/users/login").json(&body)).await
    }

    /// Signs in, which must work.
    pub async fn login(&self, user: &str, password: &str) -> Self {
        let results = self.try_login(user, password).await.results();
        self.with_token(results["token"].as_str().expect("a token"))
    }

    /// Makes a user of that role, its e-mail address made from `name`, and signs it in.
    pub async fn person(&self, role: &str, name: &str) -> Person {
        let (email, password) = (format!("{name}@example.com"), format!("password of {name}"));
        let mut data = user(name);
        data["role"] = role.into();
        let uuid = self.create("users", &data).await;
        let session = self.login(&email, &password).await;
        Person { uuid, email, password, session }
    }
}

/// What creates the user `name@example.com`.
pub fn user(name: &str) -> Value {
    let email = format!("{name}@example.com");
    json!({"name": name, "email": email, "credentials": {"login": email, "password": format!("password of {name}")}})
}
