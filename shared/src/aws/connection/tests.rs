use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    thread::JoinHandle,
};

use super::*;
use crate::sdk_error::not_sent;

/// What a server does with a request.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Then {
    Answer,
    AnswerAndClose,
    CloseUnanswered,
}

/// A server on a free port that treats its requests so.
struct Server {
    url: String,
    /// Says so after each connection that it has closed.
    closed: mpsc::Receiver<()>,
    /// The number of the connection on which each request came.
    serving: JoinHandle<Vec<usize>>,
}

fn server(plan: Vec<Then>) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (close, closed) = mpsc::channel();
    let serving = std::thread::spawn(move || {
        let mut plan = plan.into_iter().peekable();
        let mut seen = Vec::new();
        let mut connections = 0;
        while plan.peek().is_some() {
            let mut connection = BufReader::new(listener.accept().unwrap().0);
            connections += 1;
            while plan.peek().is_some() && read(&mut connection) {
                seen.push(connections);
                let then = plan.next().unwrap();
                if then != Then::CloseUnanswered {
                    connection.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").unwrap();
                }
                if then != Then::Answer {
                    break;
                }
            }
            drop(connection);
            let _test_is_over = close.send(());
        }
        seen
    });
    Server { url, closed, serving }
}

/// Reads one request; `false` at the end of the connection.
fn read(connection: &mut BufReader<TcpStream>) -> bool {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if connection.read_line(&mut line).unwrap_or(0) == 0 {
            return false;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line == "\r\n" {
            break;
        }
    }
    connection.read_exact(&mut vec![0; length]).is_ok()
}

fn connections(url: &str, idling: Idling) -> Connections {
    let connections = Connections::to(&url.parse().unwrap(), RootCertStore::empty(), Duration::from_secs(60)).unwrap();
    let State { host, port, authority, tls, within, .. } = Arc::into_inner(connections.0).unwrap();
    Connections(Arc::new(State { host, port, authority, tls, within, idling, idle: Mutex::default() }))
}

async fn ask(connections: &Connections) -> Result<String, ConnectorError> {
    let mut request = HttpRequest::new(SdkBody::from("{}"));
    request.set_method("POST").unwrap();
    request.headers_mut().insert("content-length", "2");
    let answer = connections.call(request).await?;
    Ok(String::from_utf8(answer.body().bytes().unwrap().to_vec()).unwrap())
}

/// The connections on which the requests came, if all of them were answered.
async fn used(plan: &[Then], idling: Idling) -> Vec<usize> {
    let server = server(plan.to_vec());
    let connections = connections(&server.url, idling);
    for then in plan {
        assert_eq!(ask(&connections).await.unwrap(), "{}");
        if *then == Then::AnswerAndClose {
            server.closed.recv().unwrap();
        }
    }
    drop(connections);
    server.serving.join().unwrap()
}

#[tokio::test]
async fn one_connection_serves_one_request_after_the_other() {
    assert_eq!(used(&[Then::Answer; 3], Idling::PRODUCTION).await, [1, 1, 1]);
}

#[tokio::test]
async fn a_connection_that_was_closed_while_idle_costs_no_request() {
    use Then::{Answer, AnswerAndClose};
    let idling = Idling { looked_at_after: Duration::ZERO, ..Idling::PRODUCTION };
    assert_eq!(used(&[Answer, AnswerAndClose, AnswerAndClose, Answer], idling).await, [1, 1, 2, 3]);
}

#[tokio::test]
async fn a_connection_that_was_idle_for_too_long_is_not_used_again() {
    let idling = Idling { longest: Duration::ZERO, ..Idling::PRODUCTION };
    assert_eq!(used(&[Then::Answer; 2], idling).await, [1, 2]);
}

#[tokio::test]
async fn requests_side_by_side_have_a_connection_each() {
    let Server { url, serving, .. } = server(vec![Then::AnswerAndClose; 2]);
    let connections = connections(&url, Idling::PRODUCTION);
    let (first, second) = tokio::join!(ask(&connections), ask(&connections));
    assert!(first.is_ok() && second.is_ok());
    assert_eq!(serving.join().unwrap(), [1, 2]);
}

/// DynamoDB may have carried the request out. Whether it is sent again is decided above.
#[tokio::test]
async fn a_request_that_was_sent_and_not_answered_is_not_sent_again_here() {
    let Server { url, serving, .. } = server(vec![Then::Answer, Then::CloseUnanswered]);
    let connections = connections(&url, Idling::PRODUCTION);
    assert!(ask(&connections).await.is_ok());
    let error = ask(&connections).await.unwrap_err();
    assert!(error.is_io() || error.as_other() == Some(ErrorKind::TransientError), "{error:?}");
    assert_eq!(serving.join().unwrap(), [1, 1]);
}

#[tokio::test]
async fn a_failure_has_its_name() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let refused = ask(&connections(&format!("http://{closed}"), Idling::PRODUCTION)).await.unwrap_err();
    assert!(refused.is_io());
    assert_eq!(not_sent(&refused), "connection failed: refused");

    let unknown = ask(&connections("http://latchkey.invalid", Idling::PRODUCTION)).await.unwrap_err();
    assert!(unknown.is_io());
    assert_eq!(not_sent(&unknown), "connection failed: DNS");
}

#[tokio::test]
async fn a_server_without_a_trusted_certificate_is_not_spoken_to() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let answering = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _hello = stream.read(&mut [0; 1024]).unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
    });
    let error = ask(&connections(&url, Idling::PRODUCTION)).await.unwrap_err();
    assert_eq!(not_sent(&error), "connection failed: TLS");
    answering.join().unwrap();
}
