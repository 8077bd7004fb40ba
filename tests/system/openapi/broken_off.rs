//! A request whose body breaks off, which HTTP libraries don't send.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
};

use latchkey_tests::{
    openapi::Contract,
    service::{Answer, Service},
};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

/// The gateway's answer to such a request.
pub(super) async fn answer(service: &Service, method: &'static str, path: &'static str) -> Answer {
    let address = service.url.strip_prefix("http://").unwrap().to_owned();
    let text = tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(&address).unwrap();
        let chunk_of_no_size = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nTransfer-Encoding: chunked\r\n\r\nno size\r\n");
        stream.write_all(chunk_of_no_size.as_bytes()).unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    });
    let text = text.await.unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers = lines.map(|line| {
        let (name, value) = line.split_once(": ").unwrap();
        (HeaderName::try_from(name).unwrap(), HeaderValue::try_from(value).unwrap())
    });
    let headers: HeaderMap = headers.collect();
    let operation = Contract::of_the_service().operation(method, path);
    let answer = Answer { operation, status, headers, text: body.to_owned(), body: serde_json::from_str(body).unwrap_or_default() };
    assert_eq!(operation.breaches(&answer), Vec::<String>::new(), "{answer:?}");
    answer
}
