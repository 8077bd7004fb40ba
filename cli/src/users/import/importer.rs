//! Imports batches of users, patiently.

use futures_util::future::join_all;
use latchkey::{
    clock::Clock,
    entropy::{NoEntropy, Random},
    ids::LoginId,
    model::{User, UserStatus},
    operations::{NewUser, UserImport, UserImported, import_users},
    password::{ForeignHash, Hashing, HashingError, PasswordHash},
    store::{Accounts, StoreError},
    username::Username,
};

use super::entry::Entered;
use crate::batches::{Importer, Tries, Window};

#[derive(Clone)]
pub(super) struct People {
    pub(super) accounts: Accounts,
    pub(super) clock: Clock,
    pub(super) random: Random,
    pub(super) hashing: Hashing,
}

/// What became of one user.
pub(super) struct Imported {
    pub(super) username: Username,
    pub(super) outcome: Result<UserImported, NotImported>,
}

pub(super) enum NotImported {
    Store(StoreError),
    Hash(HashingError),
    Entropy(NoEntropy),
}

impl Importer for People {
    type Row = Entered;
    type Outcome = Imported;

    /// Names that look alike share the item that keeps them apart. Ids differ: rows with the same id are bad.
    fn key(user: &Entered) -> String {
        user.username.latin_double().unwrap_or_else(|| user.username.to_string())
    }

    async fn import(self, users: Vec<Entered>, window: Window) -> Vec<Imported> {
        let names: Vec<_> = users.iter().map(|user| user.username.clone()).collect();
        let mut outcomes = Vec::with_capacity(users.len());
        let (mut imports, mut places) = (Vec::new(), Vec::new());
        for (at, user) in join_all(users.into_iter().map(|user| self.new_user(user))).await.into_iter().enumerate() {
            match user {
                Ok(user) => {
                    imports.push(UserImport::new(user));
                    places.push(at);
                }
                Err(error) => outcomes.push((at, Err(error))),
            }
        }
        let mut tries = Tries::new(&window, &self.random);
        let ended = loop {
            match import_users(&self.accounts, &mut imports, &self.random).await {
                Ok(()) => {
                    tries.succeeded();
                    break Ok(());
                }
                Err(error) => {
                    if let Err(error) = tries.failed(error).await {
                        break Err(error);
                    }
                }
            }
        };
        let imported = imports.into_iter().map(|import| import.into_outcome(&ended).map_err(NotImported::Store));
        outcomes.extend(places.into_iter().zip(imported));
        outcomes.sort_by_key(|(at, _)| *at);
        names.into_iter().zip(outcomes).map(|(username, (_, outcome))| Imported { username, outcome }).collect()
    }
}

impl People {
    async fn new_user(&self, user: Entered) -> Result<NewUser, NotImported> {
        let Entered { username, user_id, hash, disabled } = user;
        let password_hash: PasswordHash = match hash {
            ForeignHash::Slow(foreign) => foreign.into(),
            ForeignHash::Fast(fast) => self.hashing.wrap(fast).await.map_err(NotImported::Hash)?.into(),
            ForeignHash::NoPassword => PasswordHash::none(),
        };
        let id_is_given = user_id.is_some();
        let user = User {
            username,
            user_id: match user_id {
                Some(user_id) => user_id,
                None => LoginId::generate(&self.random).map_err(NotImported::Entropy)?.to_string(),
            },
            password_hash,
            status: if disabled { UserStatus::Disabled } else { UserStatus::Active },
            version: 1,
            created_at: self.clock.now(),
        };
        Ok(NewUser { user, id_is_given })
    }
}
