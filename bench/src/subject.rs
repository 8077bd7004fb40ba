//! The measured programs.

use std::path::{Path, PathBuf};

use bench_work::Work;
use bytes::Bytes;

/// The name of Latchkey's authorizer among the subjects.
pub const AUTHORIZER: &str = "authorizer";
/// The same authorizer, without its warm-up.
pub const UNWARMED: &str = "unwarmed";
/// The authorizer of an earlier build: B.
pub const BEFORE: &str = "before";
/// The bare runtime: H.
pub const HELLO: &str = "hello";
/// The default SDK: D.
pub const DEFAULT_SDK: &str = "default-sdk";
/// Node: N.
pub const NODE: &str = "node";
/// Python: P.
pub const PYTHON: &str = "python";
/// The function that hashes passwords.
pub const LOGIN: &str = "login";

/// One program.
#[derive(Debug, Clone)]
pub struct Subject {
    /// Its name in the report.
    pub name: &'static str,
    /// One line about it.
    pub about: &'static str,
    /// The program to start.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Its environment variables, in addition to the common ones.
    pub variables: Vec<(String, String)>,
    /// The event it gets.
    pub event: Bytes,
    /// A text that a right answer contains.
    pub expected: &'static str,
    /// Whether it is a single file whose pages can be dropped from the cache.
    pub single_file: bool,
    /// The counted calls to the warm process; a tenth as many uncounted ones precede them.
    pub warm_calls: usize,
}

const ALLOW: &str = r#""Effect":"Allow""#;
const OK: &str = r#""statusCode":200"#;

/// Latchkey's functions, from a build directory.
#[must_use]
pub fn functions(directory: &Path, work: &Work, certificates: &Path) -> Vec<Subject> {
    let function = |name, about, event: &Bytes, expected, warm_calls| Subject {
        name,
        about,
        program: directory.join(name),
        arguments: Vec::new(),
        variables: of_functions(certificates),
        event: event.clone(),
        expected,
        single_file: true,
        warm_calls,
    };
    vec![
        function(AUTHORIZER, "Latchkey's authorizer", &work.authorize, ALLOW, 3000),
        function("refresh", "Latchkey's `POST /refresh`: one read, one transaction", &work.refresh, OK, 3000),
        function("sessions", "Latchkey's `GET /sessions`: one read", &work.sessions, OK, 3000),
        // Every call hashes a password.
        function(LOGIN, "Latchkey's `POST /login`: two trips and one Argon2id", &work.login, OK, 60),
    ]
}

/// The authorizer of an earlier build, whose program is `file`.
#[must_use]
pub fn before(file: &Path, work: &Work, certificates: &Path) -> Subject {
    Subject {
        name: BEFORE,
        about: "B: Latchkey's authorizer of an earlier build, given by `--before`",
        program: file.to_owned(),
        arguments: Vec::new(),
        variables: of_functions(certificates),
        event: work.authorize.clone(),
        expected: ALLOW,
        single_file: true,
        warm_calls: 3000,
    }
}

fn of_functions(certificates: &Path) -> Vec<(String, String)> {
    vec![
        ("AWS_CA_BUNDLE".into(), certificates.join("trusted.pem").display().to_string()),
        ("SESSIONS_TABLE".into(), "SessionsTable".into()),
        ("USERS_TABLE".into(), "UsersTable".into()),
        ("LOGIN_ATTEMPTS_TABLE".into(), "LoginAttemptsTable".into()),
    ]
}

/// Where the peers were built.
#[derive(Debug, Clone)]
pub struct Peers {
    /// The directory of the Rust peers.
    pub rust: PathBuf,
    /// The bundle for Node.
    pub node: PathBuf,
    /// The virtual environment with boto3 and awslambdaric, next to authorizer.py.
    pub python: PathBuf,
    /// The trusted roots: trusted.pem for Latchkey's functions, bundle.pem for the others.
    pub certificates: PathBuf,
}

/// The functions for comparison. Each does an authorizer's work, except the bare runtime.
#[must_use]
pub fn peers(peers: &Peers, work: &Work) -> Vec<Subject> {
    let bundle = peers.certificates.join("bundle.pem").display().to_string();
    let peer = |name, about, program: PathBuf, arguments: &[&str], variables: Vec<(String, String)>, expected, single_file| Subject {
        name,
        about,
        program,
        arguments: arguments.iter().map(|&argument| argument.into()).collect(),
        variables,
        event: work.authorize.clone(),
        expected,
        single_file,
        warm_calls: 3000,
    };
    let trust = |name: &str| vec![(name.to_owned(), bundle.clone())];
    let node = peers.node.display().to_string();
    let source = peers.python.display().to_string();
    vec![
        peer(
            UNWARMED,
            "Latchkey's authorizer without its warm-up, to see what that does",
            peers.rust.join(UNWARMED),
            &[],
            of_functions(&peers.certificates),
            ALLOW,
            true,
        ),
        peer(HELLO, "H: a bare lambda_runtime, no DynamoDB", peers.rust.join(HELLO), &[], Vec::new(), "hello", true),
        peer(
            DEFAULT_SDK,
            "D: an authorizer on aws-config and aws-sdk-dynamodb as they come, multi-thread",
            peers.rust.join(DEFAULT_SDK),
            &[],
            trust("SSL_CERT_FILE"),
            ALLOW,
            true,
        ),
        peer(
            NODE,
            "N: an authorizer on @aws-sdk/lib-dynamodb, bundled",
            "node".into(),
            &[&node],
            // The SDK warns of old versions of Node at every start.
            [trust("NODE_EXTRA_CA_CERTS"), vec![("NODE_NO_WARNINGS".into(), "1".into())]].concat(),
            ALLOW,
            false,
        ),
        peer(
            PYTHON,
            "P: an authorizer on boto3 and awslambdaric",
            peers.python.join("bin/python3"),
            &["-m", "awslambdaric", "authorizer.handler"],
            [trust("AWS_CA_BUNDLE"), vec![("PYTHONPATH".into(), source.clone()), ("LAMBDA_TASK_ROOT".into(), source)]].concat(),
            ALLOW,
            false,
        ),
    ]
}
