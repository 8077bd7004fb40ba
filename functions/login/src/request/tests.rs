use lambda_http::Body;

use super::*;

fn read_as(content_type: &str, body: &str) -> Result<LoginAttempt, Malformed> {
    let mut request = Request::new(Body::from(body));
    request.headers_mut().insert("content-type", content_type.parse().unwrap());
    request.extensions_mut().insert(Source { ip: Some("192.0.2.1".into()), user_agent: Some("Tester/1 \u{1b}[31m".into()) });
    super::read(&request)
}

fn read(body: &str) -> Result<LoginAttempt, Malformed> {
    read_as("application/json", body)
}

#[test]
fn a_login_is_read() {
    let login = read(r#"{"username":"Ada","password":"p","device":"Ada’s \u001b[1mphone\n","device_id":"0123456789abcdef","user_id":"x"}"#)
        .unwrap();
    assert_eq!(login.username.as_str(), "ada");
    assert_eq!(login.device.name.as_deref(), Some("Ada’s [1mphone"));
    assert_eq!(login.device.user_agent.as_deref(), Some("Tester/1 [31m"));
    assert_eq!((login.device.id.as_deref(), login.source_ip.as_str()), (Some("0123456789abcdef"), "192.0.2.1"));
    assert_eq!(format!("{login:?}"), "LoginAttempt");
}

/// J1, L4: bodies that aren't one JSON object, and passwords at the edges of their length.
#[test]
fn malformed_bodies_are_refused() {
    let too_long = format!(r#"{{"username":"a","password":"p","device_id":"{}"}}"#, "x".repeat(257));
    let deep = format!(r#"{{"username":"a","password":"p","x":{}{}}}"#, "[".repeat(200), "]".repeat(200));
    for body in [
        "",
        "null",
        "[]",
        r#"["a","p"]"#,
        r#""a""#,
        "{}",
        r#"{"username":"a"}"#,
        r#"{"username":"a","password":null}"#,
        r#"{"username":"a","password":["p"]}"#,
        r#"{"username":"a","password":"p","password":"q"}"#,
        r#"{"username":"a","username":"b","password":"p"}"#,
        r#"{"username":"a","password":"p"} x"#,
        r#"{"username":"a","password":"p"}{}"#,
        r#"{"username":"a","password":"\ud800"}"#,
        r#"{"username":"a","password":"p","x":"\ud800"}"#,
        r#"{"username":"a","password":"p\u0000q"}"#,
        r#"{"username":"a","password":"p","device":"\u0000"}"#,
        "{\"username\":\"a\",\"password\":\"p\u{0}\"}",
        r#"{"username":"","password":"p"}"#,
        r#"{"username":"a","password":""}"#,
        &too_long,
        r#"{"username":"a","password":"p","device":7}"#,
        &deep,
    ] {
        assert!(matches!(read(body), Err(Malformed::Body(_))), "{body}");
    }
    let password = |bytes: usize| read(&format!(r#"{{"username":"a","password":"{}"}}"#, "p".repeat(bytes)));
    assert!(password(1024).is_ok());
    assert!(matches!(password(1025), Err(Malformed::Body(_))));
    let padded = |bytes: usize| read(&format!("{:<bytes$}", r#"{"username":"a","password":"p"}"#));
    assert!(padded(4096).is_ok());
    assert_eq!(padded(4097).unwrap_err(), Malformed::TooLarge);
}

/// The gateway hands a body on as text, as bytes, or as nothing.
#[test]
fn a_body_is_read_however_it_comes() {
    let read = |body: Body| {
        let mut request = Request::new(body);
        request.headers_mut().insert("content-type", "application/json".parse().unwrap());
        super::read(&request)
    };
    let bytes = br#"{"username":"Ada","password":"p"}"#.to_vec();
    assert_eq!(read(Body::Binary(bytes)).unwrap().username.as_str(), "ada");
    assert_eq!(read(Body::Empty).unwrap_err(), Malformed::Body("the body is not one JSON object"));
}

/// J2: the body may hold a password.
#[test]
fn an_error_never_quotes_the_body() {
    for body in [
        r#"{"username":"a","password":CANARY}"#,
        r#"{"username":{"CANARY":1},"password":"CANARY"}"#,
        &format!(r#"{{"username":"a","password":"CANARY","device_id":"CANARY{}"}}"#, "x".repeat(256)),
    ] {
        let error = read(body).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("CANARY"), "{error:?}");
    }
}

/// J3: any other Content-Type gets 415.
#[test]
fn only_json_is_read() {
    let body = r#"{"username":"a","password":"p"}"#;
    for right in ["application/json", "Application/JSON; charset=utf-8", "application/json;charset=utf-8"] {
        assert!(read_as(right, body).is_ok(), "{right}");
    }
    for wrong in ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", "application/problem+json", ""] {
        assert_eq!(read_as(wrong, body).unwrap_err(), Malformed::MediaType, "{wrong}");
    }
    assert_eq!(super::read(&Request::new(Body::from(body))).unwrap_err(), Malformed::MediaType);
}
