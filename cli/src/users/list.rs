//! `latchkey users list` and `latchkey users find`: every user, page by page, so that a table of any size needs the memory of a page.

use latchkey::{
    ids::is_url_safe,
    model::User,
    store::{StoreError, Users, UsersPage},
    throttle::Subjects,
};

use super::{UsersError, row, users_table};
use crate::{
    args::{FindUserArgs, ListUsersArgs},
    client,
    listing::{Listing, readable},
    output::print,
    progress::Spinner,
};

pub(super) async fn list(args: ListUsersArgs) -> Result<(), UsersError> {
    let users = Users::new(client::for_aws(&args.at.aws).await?, users_table(&args.at)?);
    let listed = show_pages(&users, args.json, |_| true).await?;
    if listed.shown == 0 && listed.unreadable == 0 {
        eprintln!("there are no users");
    }
    listed.complete()
}

/// Whose pseudonym is it? No index can be searched for it, so every user is read.
pub(super) async fn find(args: FindUserArgs) -> Result<(), UsersError> {
    if !(8..=43).contains(&args.subject.len()) || !is_url_safe(&args.subject) {
        return Err(UsersError::Subject);
    }
    let users = Users::new(client::for_aws(&args.at.aws).await?, users_table(&args.at)?);
    let listed = show_pages(&users, args.json, |user| Subjects::account(&user.username).starts_with(&args.subject)).await?;
    listed.complete()?;
    if listed.shown == 0 { Err(UsersError::NobodysSubject) } else { Ok(()) }
}

/// What was printed.
#[derive(Debug, Default)]
struct Listed {
    shown: usize,
    unreadable: usize,
}

impl Listed {
    fn complete(&self) -> Result<(), UsersError> {
        if self.unreadable == 0 { Ok(()) } else { Err(UsersError::Unreadable(self.unreadable)) }
    }
}

/// Prints the users that `wanted` takes. Each page is sorted by name; a table of up to 1 MB is one page.
async fn show_pages(users: &Users, json: bool, wanted: impl Fn(&User) -> bool) -> Result<Listed, UsersError> {
    let mut listed = Listed::default();
    let mut after = None;
    loop {
        let UsersPage { users: mut page, unreadable, next } = read_page(users, after.as_deref()).await?;
        page.retain(&wanted);
        page.sort_by(|a, b| a.username.cmp(&b.username));
        show(&page, json, listed.shown == 0);
        for row in &unreadable {
            eprintln!("{row}");
        }
        listed.shown += page.len();
        listed.unreadable += unreadable.len();
        if next.is_none() {
            return Ok(listed);
        }
        after = next;
    }
}

async fn read_page(users: &Users, after: Option<&str>) -> Result<UsersPage, StoreError> {
    let _reading = Spinner::start("reading the users");
    users.page_of_users(after, None).await
}

fn show(users: &[User], json: bool, with_header: bool) {
    let cells =
        |user: &User| vec![user.username.to_string(), user.user_id.clone(), user.status.name().to_owned(), readable(user.created_at)];
    let text = Listing::json(json).render(&["NAME", "USER ID", "STATUS", "CREATED"], users, cells, row);
    let header = if json || with_header { 0 } else { text.find('\n').map_or(0, |end| end + 1) };
    print(text.get(header..).unwrap_or_default());
}
