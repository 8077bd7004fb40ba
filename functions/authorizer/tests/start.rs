//! The binary itself, before a stand-in for Lambda's runtime interface.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    net::TcpListener,
    process::{Command, Stdio},
};

/// A table that can't be reached must not become a crash loop: the function starts, and its requests try again.
#[test]
fn it_starts_though_the_table_is_out_of_reach() {
    let runtime = TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut function = Command::new(env!("CARGO_BIN_EXE_authorizer"))
        .env_clear()
        .envs([
            ("SESSIONS_TABLE", "sessions"),
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

    let (connection, _) = runtime.accept().unwrap();
    let mut request = String::new();
    BufReader::new(connection).read_line(&mut request).unwrap();
    function.kill().unwrap();
    let mut log = String::new();
    function.stdout.take().unwrap().read_to_string(&mut log).unwrap();
    function.wait().unwrap();

    assert!(request.starts_with("GET /2018-06-01/runtime/invocation/next "), "{request}");
    assert!(log.contains(r#""code":"warm_up_failed""#), "{log}");
}
