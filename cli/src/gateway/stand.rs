//! A gateway that listens, for tests over real HTTP.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use reqwest::{Client, Method, RequestBuilder};
use serde_json::Value;

use super::{Gateway, GatewayOptions};
use crate::{
    invoke::{FunctionFuture, Invoker, LinkedFunction},
    template::Template,
};

/// The name of a binary, and a function in its place.
pub(super) type Function = (&'static str, fn(Value) -> FunctionFuture);

/// A gateway, with the events that its functions got.
pub(super) struct Stand {
    base: String,
    client: Client,
    pub(super) asked: Arc<Mutex<Vec<(&'static str, Value)>>>,
}

impl Stand {
    /// Serves the API of `template`, whose binaries are `functions`.
    pub(super) async fn serve(template: &str, overrides: &[(&str, &str)], options: GatewayOptions, functions: &[Function]) -> Self {
        let overrides = overrides.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let template = Template::parse(template, &overrides).unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let linked = functions.iter().map(|&(name, function)| {
            let asked = Arc::clone(&asked);
            let recording = move |event: Value| {
                asked.lock().unwrap().push((name, event.clone()));
                function(event)
            };
            (name.to_owned(), Arc::new(recording) as LinkedFunction)
        });
        let router = Gateway::new(&template, Invoker::Linked(linked.collect()), options).into_router();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, service).await });
        Self { base, client: Client::builder().no_proxy().build().unwrap(), asked }
    }

    pub(super) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base))
    }

    pub(super) async fn bearer(&self, method: Method, path: &str, token: &str) -> reqwest::Response {
        self.request(method, path).header("Authorization", format!("Bearer {token}")).send().await.unwrap()
    }

    /// The events that `function` got.
    pub(super) fn events(&self, function: &str) -> Vec<Value> {
        let asked = self.asked.lock().unwrap();
        asked.iter().filter(|(name, _)| *name == function).map(|(_, event)| event.clone()).collect()
    }
}
