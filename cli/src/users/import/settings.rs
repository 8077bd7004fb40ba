//! What the switches of the command say about a file.

use std::{fs, path::Path};

use latchkey::password::{FirebaseSettings, Hints, SpringPbkdf2};
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::{
    args::{BcryptPrehash, ImportUsersArgs, SpringVersion},
    rows::FileError,
};

/// The switches, read and checked.
pub(super) struct Settings {
    pub(super) hints: Hints,
    pub(super) firebase: Option<FirebaseSettings>,
    /// Our columns and their names in the file.
    pub(super) columns: Vec<(String, String)>,
    pub(super) user_ids_as_they_are: bool,
}

#[derive(Deserialize)]
struct FirebaseFile {
    algorithm: String,
    base64_signer_key: Zeroizing<String>,
    base64_salt_separator: String,
    rounds: u32,
    mem_cost: u32,
}

impl Settings {
    pub(super) fn read(args: &ImportUsersArgs) -> Result<Self, FileError> {
        Ok(Self {
            hints: Hints {
                spring_pbkdf2: args.spring_pbkdf2.map(|version| match version {
                    SpringVersion::V5_5 => SpringPbkdf2::V5_5,
                    SpringVersion::V5_8 => SpringPbkdf2::V5_8,
                }),
                bcrypt_hex_sha256: args.bcrypt_prehash == Some(BcryptPrehash::HexSha256),
                pepper: args.pepper_file.as_deref().map(pepper).transpose()?,
            },
            firebase: args.firebase_config.as_deref().map(firebase).transpose()?,
            columns: once_each(&args.column)?,
            user_ids_as_they_are: args.user_ids_as_they_are,
        })
    }
}

fn once_each(columns: &[(String, String)]) -> Result<Vec<(String, String)>, FileError> {
    let twice = columns.iter().enumerate().find(|(at, (ours, _))| columns.iter().take(*at).any(|(before, _)| before == ours));
    match twice {
        Some((_, (ours, _))) => Err(FileError::Settings(format!("--column {ours}=… is given twice; give it once"))),
        None => Ok(columns.to_vec()),
    }
}

/// The secret, without the line feed that an editor puts behind it.
fn pepper(file: &Path) -> Result<Zeroizing<Vec<u8>>, FileError> {
    let bytes = Zeroizing::new(fs::read(file)?);
    let secret = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
    let secret = secret.strip_suffix(b"\r").unwrap_or(secret);
    if secret.is_empty() {
        Err(FileError::Settings("--pepper-file: the file is empty".to_owned()))
    } else {
        Ok(Zeroizing::new(secret.to_vec()))
    }
}

fn firebase(file: &Path) -> Result<FirebaseSettings, FileError> {
    let text = Zeroizing::new(fs::read_to_string(file)?);
    let takes = "--firebase-config takes a JSON object with algorithm SCRYPT, base64_signer_key, base64_salt_separator, rounds and mem_cost, \
                 as the Firebase console shows them";
    let wrong = || FileError::Settings(takes.to_owned());
    let read: FirebaseFile = serde_json::from_str(&text).map_err(|_| wrong())?;
    let settings = FirebaseSettings::new(&read.base64_signer_key, &read.base64_salt_separator, read.rounds, read.mem_cost);
    settings.filter(|_| read.algorithm == "SCRYPT").ok_or_else(wrong)
}
