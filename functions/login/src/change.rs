//! `PUT /me/password`: a user changes their password, and gets the pair of a new login.

use lambda_http::{Body, Request, Response};
use latchkey::{
    http::{
        pair::pair_response,
        problem::{Problem, ProblemCode},
    },
    ids::UserKey,
    limits::Limits,
    model::CurrentSession,
    operations::{NotLoggedIn, PasswordChange, PasswordNotChanged, issue::IssuedLogin},
    telling::log::{Event, Fields, log},
    throttle::Subjects,
};

use crate::{Handler, refusal::Refusal, request::read_change};

/// The authorizer has checked the access token; the transaction that changes the password checks that its login is still there.
pub(crate) async fn answer(handler: &Handler, request: Request) -> Response<Body> {
    let (now, arrival) = (handler.clock.now(), handler.clock.arrival());
    let fields = Fields::of(request.extensions());
    let Some(session) = request.extensions().get::<CurrentSession>().cloned() else {
        return Problem::from(ProblemCode::Internal).into_response();
    };
    if session.attributes.act().is_some() {
        return Problem::from(ProblemCode::Impersonation).into_response();
    }
    let user_key = UserKey::of(&session.user_id);
    let change = match read_change(&request, session) {
        Ok(change) => change,
        Err(malformed) => return Refusal::from(malformed).into_response(fields),
    };
    let change = match handler.proved(&request, now) {
        Ok(proved) => PasswordChange { proved, ..change },
        Err(bad) => return Refusal::from(bad).into_response(fields),
    };
    let subjects = handler.login.subjects_of_change(&change, now);
    let (account, network) = (Subjects::account_pseudonym(&change.username), subjects.network_pseudonym());
    let refused = Fields { account: Some(&account), network: Some(&network), ..fields };
    match handler.login.change_password(change, &subjects, now, fields).await {
        Ok(IssuedLogin { new, pair }) => {
            let login_id = Some(new.login.key.login_id.as_str());
            log(Event::PasswordChanged, Fields { login_id, user_key: Some(user_key.as_str()), ..fields }, None);
            pair_response(&pair, &new.session, new.login.bound_to.as_ref())
        }
        Err(not_changed) => {
            // As at a login: a foreign hash takes longer than no user.
            let is_wrong = matches!(not_changed, PasswordNotChanged::NotLoggedIn(NotLoggedIn::Credentials));
            if is_wrong && handler.login.takes_foreign_hashes() {
                arrival.at_least(Limits::REFUSED_LOGIN).await;
            }
            Refusal::from(not_changed).into_response(refused)
        }
    }
}
