//! The programs under load: `latchkey dev`, on its embedded DynamoDB or on DynamoDB Local.

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
};

use crate::{api::Api, delay::Delayed, error::LoadError};

/// Where to find the programs.
#[derive(Debug, Clone)]
pub struct Programs {
    /// The command `latchkey`.
    pub latchkey: PathBuf,
    /// The repository.
    pub repository: PathBuf,
}

/// The kind of DynamoDB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Database {
    /// In the process of `latchkey dev`.
    Embedded,
    /// AWS's DynamoDB Local, in memory.
    Local,
}

impl Database {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Embedded, Self::Local];

    /// The name in the report.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::Local => "DynamoDB Local",
        }
    }
}

/// A DynamoDB, and the access key that it takes.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// Its URL.
    pub url: String,
    /// The embedded one draws it, others take any.
    pub access_key: String,
}

impl Endpoint {
    /// A signature. The emulators require one, and verify nothing of it but the access key.
    pub fn authorization(&self) -> String {
        let scope = format!("{}/20260101/us-east-1/dynamodb/aws4_request", self.access_key);
        format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0")
    }
}

/// A running `latchkey dev`, with its database. Dropping it ends both.
pub struct Server {
    /// The URL of the API.
    pub url: String,
    /// Its DynamoDB.
    pub dynamodb: Endpoint,
    /// The process id of `latchkey dev`.
    pub pid: u32,
    _service: Child,
    _database: Option<Child>,
}

impl Server {
    /// Starts it with its own database.
    ///
    /// # Errors
    /// [`LoadError`] if it doesn't start.
    pub async fn start(programs: &Programs, database: Database) -> Result<Self, LoadError> {
        eprintln!("starting the service, {}", database.name());
        match database {
            Database::Embedded => Self::dev(programs, Data::Gone, None).await,
            Database::Local => {
                let port = free_port()?;
                let mut command = Command::new(programs.repository.join("scripts/dynamodb-local"));
                command.args(["--port", &port.to_string()]);
                let mut child = spawn(command)?;
                read_on(&mut child);
                let url = format!("http://127.0.0.1:{port}");
                // DynamoDB answers 400 to an invalid request.
                until_answered(&url).await?;
                Self::dev(programs, Data::At(&url), Some(child)).await
            }
        }
    }

    /// Starts it on an embedded DynamoDB whose data are files in `dir`, an empty directory.
    ///
    /// # Errors
    /// [`LoadError`] if it doesn't start.
    pub async fn kept(programs: &Programs, dir: &Path) -> Result<Self, LoadError> {
        Self::dev(programs, Data::Kept(dir), None).await
    }

    /// Starts another service on the same database, each of whose store calls is delayed.
    ///
    /// # Errors
    /// [`LoadError`] if it doesn't start.
    pub async fn delayed(&self, programs: &Programs, delayed: &Delayed) -> Result<Self, LoadError> {
        Self::dev(programs, Data::At(&delayed.url), None).await
    }

    async fn dev(programs: &Programs, data: Data<'_>, database: Option<Child>) -> Result<Self, LoadError> {
        let port = free_port()?;
        let mut command = Command::new(&programs.latchkey);
        command.args(["dev", "--port", &port.to_string()]).env("ACCESS_TOKEN_TTL", "1m").env("REPLAY_WINDOW", "10s");
        match data {
            Data::Gone => {}
            Data::Kept(dir) => {
                command.arg("--data").arg(dir);
            }
            Data::At(url) => {
                command.args(["--dynamodb", url]);
            }
        }
        let mut service = spawn(command)?;
        let pid = service.id().ok_or_else(|| LoadError::Setup("latchkey dev exited right after its start".into()))?;
        let url = format!("http://127.0.0.1:{port}");
        let told = tokio::time::timeout(START, endpoint(&mut service)).await;
        let dynamodb = told.map_err(|_| LoadError::Setup("the banner of latchkey dev names no DynamoDB or no access key".into()))??;
        until_answered(&url).await?;
        Ok(Self { url, dynamodb, pid, _service: service, _database: database })
    }

    /// The service's current resident memory in MiB.
    ///
    /// # Errors
    /// [`LoadError`] if the kernel doesn't report it.
    pub fn resident_mib(&self) -> Result<f64, LoadError> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid))
            .map_err(|source| LoadError::Io { what: "reading the service's memory", source })?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.split_whitespace().next()).and_then(|kib| kib.parse::<f64>().ok());
        kib.map(|kib| kib / 1024.0).ok_or_else(|| LoadError::Setup("the kernel doesn't report the service's memory".into()))
    }
}

/// `latchkey dev` starts within a second, and later on a DynamoDB that starts.
const START: Duration = Duration::from_secs(60);

/// Where a service has its data.
enum Data<'a> {
    /// In its process.
    Gone,
    /// In a directory.
    Kept(&'a Path),
    /// In the DynamoDB with this URL.
    At(&'a str),
}

fn spawn(mut command: Command) -> Result<Child, LoadError> {
    // They need no process group of their own: each program runs as one process.
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command.spawn().map_err(|source| LoadError::Io { what: "starting a program", source })
}

/// Reads DynamoDB's URL and access key from the banner. All further output is read and dropped, so that the program never blocks on it.
async fn endpoint(service: &mut Child) -> Result<Endpoint, LoadError> {
    let missing = || LoadError::Setup("latchkey dev has no output".into());
    let mut lines = BufReader::new(service.stdout.take().ok_or_else(missing)?).lines();
    let mut complaints = BufReader::new(service.stderr.take().ok_or_else(missing)?).lines();
    let complained = tokio::spawn(async move {
        let mut last = String::new();
        while let Ok(Some(line)) = complaints.next_line().await {
            last = line;
        }
        last
    });
    let mut url = None;
    loop {
        let line = lines.next_line().await.map_err(|source| LoadError::Io { what: "reading the banner", source })?;
        let Some(line) = line else {
            let why = complained.await.unwrap_or_default();
            return Err(LoadError::Setup(format!("latchkey dev ended before it was ready: {why}")));
        };
        let word = |text: &str| text.split_whitespace().next().map(str::to_owned);
        url = url.or_else(|| line.trim().strip_prefix("DynamoDB ").and_then(word));
        let access_key = line.split_once("the access key ").and_then(|(_, after)| word(after));
        if let (Some(url), Some(access_key)) = (&url, access_key) {
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return Ok(Endpoint { url: url.clone(), access_key });
        }
    }
}

/// Reads and drops the output, so that the program never blocks on it.
fn read_on(child: &mut Child) {
    if let Some(output) = child.stdout.take() {
        tokio::spawn(async move { tokio::io::copy(&mut BufReader::new(output), &mut tokio::io::sink()).await });
    }
    if let Some(output) = child.stderr.take() {
        tokio::spawn(async move { tokio::io::copy(&mut BufReader::new(output), &mut tokio::io::sink()).await });
    }
}

fn free_port() -> Result<u16, LoadError> {
    let listener = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    Ok(listener.map_err(|source| LoadError::Io { what: "looking for a free port", source })?.port())
}

async fn until_answered(url: &str) -> Result<(), LoadError> {
    for _ in 0..600 {
        if Api::new(url).me("nothing").await.is_ok() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Err(LoadError::Setup(format!("no answer from {url}")))
}
