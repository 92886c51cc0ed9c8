//! A route's methods: each comes with its handler and with what is said of it in the description of the API, so that no
//! route is without one.

use super::App;
use super::openapi::Operation;
use crate::resource::{Kind, Kinds};
use axum::handler::Handler;
use axum::http::Method;
use axum::routing::{MethodFilter, MethodRouter, on};

/// The methods of one path.
pub struct Methods {
    router: MethodRouter<App>,
    described: Vec<(Method, About)>,
}

/// What is said of one method of a path.
pub enum About {
    /// There is one such path.
    One(Box<Operation>),
    /// There is one, about all resources.
    All(fn(&Kinds) -> Operation),
    /// There is one, about the resource of that name.
    Of(&'static str, fn(&Kind) -> Operation),
    /// There is one for each resource; for some of them perhaps there is none.
    Each(Box<ForEach>),
}

/// For a path that is about all resources.
pub fn all(about: fn(&Kinds) -> Operation) -> About {
    About::All(about)
}

/// For a path that is about one resource, and does not name it as a variable part.
pub fn of(name: &'static str, about: fn(&Kind) -> Operation) -> About {
    About::Of(name, about)
}

type ForEach = dyn Fn(&Kind) -> Option<Operation>;

impl From<Operation> for About {
    fn from(operation: Operation) -> Self {
        Self::One(Box::new(operation))
    }
}

impl<F, O> From<F> for About
where
    F: Fn(&Kind) -> O + 'static,
    O: Into<Option<Operation>>,
{
    fn from(about: F) -> Self {
        Self::Each(Box::new(move |kind| about(kind).into()))
    }
}

impl Methods {
    fn new() -> Self {
        Self { router: MethodRouter::new(), described: Vec::new() }
    }

    fn with<H: Handler<T, App>, T: 'static>(
        mut self,
        (method, filter): (Method, MethodFilter),
        handler: H,
        about: impl Into<About>,
    ) -> Self {
        self.router = self.router.merge(on(filter, handler));
        self.described.push((method, about.into()));
        self
    }

    /// Adds POST.
    pub fn post<H: Handler<T, App>, T: 'static>(self, handler: H, about: impl Into<About>) -> Self {
        self.with((Method::POST, MethodFilter::POST), handler, about)
    }

    /// Adds PUT.
    pub fn put<H: Handler<T, App>, T: 'static>(self, handler: H, about: impl Into<About>) -> Self {
        self.with((Method::PUT, MethodFilter::PUT), handler, about)
    }

    /// Adds PATCH.
    pub fn patch<H: Handler<T, App>, T: 'static>(self, handler: H, about: impl Into<About>) -> Self {
        self.with((Method::PATCH, MethodFilter::PATCH), handler, about)
    }

    /// Adds DELETE.
    pub fn delete<H: Handler<T, App>, T: 'static>(self, handler: H, about: impl Into<About>) -> Self {
        self.with((Method::DELETE, MethodFilter::DELETE), handler, about)
    }

    /// For the router, and for the description.
    pub fn into_parts(self) -> (MethodRouter<App>, Vec<(Method, About)>) {
        (self.router, self.described)
    }
}

/// A path that has GET.
pub fn get<H: Handler<T, App>, T: 'static>(handler: H, about: impl Into<About>) -> Methods {
    Methods::new().with((Method::GET, MethodFilter::GET), handler, about)
}

/// A path that has POST.
pub fn post<H: Handler<T, App>, T: 'static>(handler: H, about: impl Into<About>) -> Methods {
    Methods::new().post(handler, about)
}

/// A path that has DELETE.
pub fn delete<H: Handler<T, App>, T: 'static>(handler: H, about: impl Into<About>) -> Methods {
    Methods::new().delete(handler, about)
}
