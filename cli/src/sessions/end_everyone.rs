//! `latchkey sessions end-everyone`.

use latchkey::{entropy::Random, operations::end_scanned, store::Store};
use tokio::task::JoinSet;

use super::SessionsError;
use crate::{confirm::confirm, output::say, patiently::patiently, progress::Spinner};

/// How many users' logins are ended in parallel.
const SIDE_BY_SIDE: usize = 16;

pub(super) async fn run(store: Store, yes: bool) -> Result<(), SessionsError> {
    confirm("End all logins of all users?", yes)?;
    let random = Random::system();
    let progress = Spinner::start("ending logins");
    let (mut users, mut ended, mut from) = (0_usize, 0_usize, None);
    loop {
        let (page, next) = store.scan_users(from).await?;
        let mut page = page.into_iter();
        while page.len() > 0 {
            let mut ending = JoinSet::new();
            for (user_key, seen) in page.by_ref().take(SIDE_BY_SIDE) {
                users += usize::from(seen.has_register);
                let (store, random) = (store.clone(), random.clone());
                ending.spawn(async move { patiently(&random, || end_scanned(&store, &user_key, &seen, &random)).await });
            }
            for outcome in ending.join_all().await {
                ended += outcome?;
            }
            progress.say(format!("{users} users, {ended} logins ended"));
        }
        if next.is_none() {
            break;
        }
        from = next;
    }
    drop(progress);
    say!("users {users}, ended {ended}");
    Ok(())
}
