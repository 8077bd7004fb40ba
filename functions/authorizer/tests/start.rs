//! The binary itself, before a stand-in for Lambda's runtime interface.

#![expect(clippy::unwrap_used, reason = "in a test it is a failure, as it should be")]

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
};

const TRACE: &str = "1-5759e988-bd862e3fe1be46a994272793";

/// The function, with nobody where its table should be, and the connection on which it asks for events.
fn start() -> (Child, BufReader<TcpStream>) {
    let runtime = TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let function = Command::new(env!("CARGO_BIN_EXE_authorizer"))
        .env_clear()
        .envs([
            ("SESSIONS_TABLE", "sessions"),
            ("METRICS_NAMESPACE", "Latchkey/test"),
            ("AWS_REGION", "eu-central-1"),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("AWS_LAMBDA_FUNCTION_NAME", "authorizer"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
            ("AWS_LAMBDA_RUNTIME_API", &runtime.local_addr().unwrap().to_string()),
            ("AWS_ENDPOINT_URL_DYNAMODB", &format!("http://{nobody}")),
        ])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    (function, BufReader::new(runtime.accept().unwrap().0))
}

/// The first line of the next request.
fn asked(connection: &mut BufReader<TcpStream>) -> String {
    let mut request = String::new();
    connection.read_line(&mut request).unwrap();
    request
}

/// What it wrote until now.
fn log_of(mut function: Child) -> String {
    function.kill().unwrap();
    let mut log = String::new();
    function.stdout.take().unwrap().read_to_string(&mut log).unwrap();
    function.wait().unwrap();
    log
}

/// A table that can't be reached must not become a crash loop: the function starts, and its requests try again.
#[test]
fn it_starts_though_the_table_is_out_of_reach() {
    let (function, mut connection) = start();
    let request = asked(&mut connection);
    let log = log_of(function);
    assert!(request.starts_with("GET /2018-06-01/runtime/invocation/next "), "{request}");
    assert!(log.contains(r#""code":"warm_up_failed""#), "{log}");
}

/// Metrics are lines of standard output, and a trace that Lambda keeps is in the log.
#[test]
fn it_tells_its_metrics_and_its_trace() {
    let (function, mut connection) = start();
    while !asked(&mut connection).trim().is_empty() {}
    let event =
        r#"{"type":"TOKEN","authorizationToken":"Bearer lka_x","methodArn":"arn:aws:execute-api:eu-central-1:123456789012:a/v1/GET/me"}"#;
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Lambda-Runtime-Aws-Request-Id: 00000000-0000-4000-8000-000000000000\r\n\
         Lambda-Runtime-Deadline-Ms: 4102444800000\r\n\
         Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:eu-central-1:123456789012:function:authorizer\r\n\
         Lambda-Runtime-Trace-Id: Root={TRACE};Parent=53995c3f42cd8ad8;Sampled=1\r\n\r\n{event}",
        event.len(),
    );
    connection.get_mut().write_all(answer.as_bytes()).unwrap();
    let request = asked(&mut connection);
    let log = log_of(function);
    assert!(request.starts_with("POST /2018-06-01/runtime/invocation/00000000-0000-4000-8000-000000000000/response "), "{request}");
    let line = |part: &str| log.lines().find(|line| line.contains(part)).unwrap_or_else(|| panic!("no {part} in {log}"));
    assert!(line(r#""code":"access_denied""#).contains(&format!(r#""trace_id":"{TRACE}""#)), "{log}");
    let metrics = line(r#""_aws""#);
    assert!(metrics.starts_with(r#"{"_aws":{"Timestamp":"#), "{metrics}");
    let end = r#""Function":"authorizer","Reason":"malformed","Version":"1","ColdStarts":1,"AccessDenied":1,"TokensForeign":1}"#;
    assert!(metrics.ends_with(end), "{metrics}");
}
