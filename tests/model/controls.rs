//! Negative controls: with one thing weakened, the checker has to find the promise broken. One that finds nothing any more
//! has stopped looking.

use crate::{
    config::{Config, Weakness},
    properties::{G1, G2, G3, G7, G9, G11, L2, LIMIT, WHOLE},
    run::{finds, only_in_full},
    worlds,
};

/// In DynamoDB `generation = :current` fails on an absent item too, so this takes an update that asks for neither.
#[test]
fn a_rotation_that_revives_an_ended_login() {
    finds(worlds::LOGOUT.quick.weakened(Weakness::RotationRevives), G3);
}

#[test]
fn a_rotation_that_asks_neither_for_the_generation_nor_for_the_old_session() {
    finds(worlds::TABS.quick.weakened(Weakness::RotationUnconditional), G2);
}

#[test]
fn an_end_that_deletes_only_the_session() {
    finds(worlds::LOGOUT.quick.weakened(Weakness::EndDeletesOnlySession), G3);
}

#[test]
fn an_authorizer_that_ignores_the_generation() {
    finds(worlds::PARALLEL.quick.weakened(Weakness::AuthorizerIgnoresGeneration), G1);
}

#[test]
fn reuse_decided_before_torn() {
    finds(worlds::PARALLEL.quick.weakened(Weakness::ReuseBeforeTorn), G7);
}

#[test]
fn a_replay_without_its_window() {
    finds(worlds::THIEF.quick.weakened(Weakness::ReplayWithoutWindow), G7);
}

#[test]
fn a_replay_with_unequal_keys() {
    finds(worlds::KEYS.quick.weakened(Weakness::ReplayWithUnequalKeys), G2);
}

#[test]
fn an_everywhere_without_the_last_login() {
    finds(worlds::EVERYWHERE.quick.weakened(Weakness::EverywhereWithoutLastLogin), G9);
}

#[test]
fn a_password_change_without_the_last_login() {
    finds(worlds::PASSWORD_CHANGE.quick.weakened(Weakness::EverywhereWithoutLastLogin), G9);
}

/// The password is changed between a login's reads and its replacement of the hash.
#[test]
fn a_replacement_that_does_not_ask_for_the_old_hash() {
    finds(worlds::HASH_REPLACED.quick.weakened(Weakness::HashUnasked), G9);
}

/// What the register names has to be read before the logins: read after them, it may name one that came later.
#[test]
fn a_password_change_that_reads_the_register_last() {
    finds(worlds::PASSWORD_CHANGE.quick.weakened(Weakness::RegisterReadLast), G9);
}

#[test]
fn a_login_without_its_predecessors_check() {
    finds(worlds::EVERYWHERE.quick.weakened(Weakness::LoginWithoutPredecessor), G9);
    finds(worlds::EVERYWHERE_LIMITED.quick.weakened(Weakness::LoginWithoutPredecessor), G9);
}

#[test]
fn a_users_own_change_of_the_password_that_ends_nothing() {
    finds(worlds::OWN_CHANGE.quick.weakened(Weakness::ChangeEndsNothing), G9);
}

/// Its ends rest on it: they read no register, so a login in mid-commit would be missed.
#[test]
fn a_users_own_change_of_the_password_without_the_predecessors_check() {
    finds(worlds::OWN_CHANGE.quick.weakened(Weakness::LoginWithoutPredecessor), G9);
}

#[test]
fn a_login_that_ignores_a_block() {
    finds(worlds::BLOCK.quick.weakened(Weakness::LoginIgnoresBlock), G11);
}

/// Decided before the block, and committed after it.
#[test]
fn a_block_that_keeps_the_version() {
    finds(worlds::BLOCK_REFRESHED.quick.weakened(Weakness::BlockKeepsVersion), G11);
}

#[test]
fn a_block_without_the_last_login() {
    finds(worlds::BLOCK.quick.weakened(Weakness::EverywhereWithoutLastLogin), G11);
}

/// An issue that read "no register" commits after the block and the removal.
#[test]
fn a_removal_that_deletes_the_register() {
    finds(worlds::REMOVAL.quick.weakened(Weakness::RemovalDeletesRegister), G11);
}

#[test]
fn a_limit_without_its_deletions() {
    finds(worlds::LIMIT.quick.weakened(Weakness::LimitDeletesNothing), LIMIT);
    finds(worlds::DEVICE.quick.weakened(Weakness::LimitDeletesNothing), LIMIT);
}

/// A condition that always holds is enough only where no login is counted.
#[test]
fn a_limit_that_forgets_what_it_saw_of_the_predecessor() {
    finds(worlds::LIMIT.quick.weakened(Weakness::LimitForgetsPredecessor), LIMIT);
}

#[test]
fn a_device_whose_item_is_written_over() {
    finds(worlds::DEVICE.quick.weakened(Weakness::DeviceUnasked), LIMIT);
}

/// A login whose commit went unheard, and which was ended meanwhile, comes back: what the request did until this found it.
#[test]
fn a_login_written_once_more_after_its_end() {
    finds(worlds::LISTED_END.quick.weakened(Weakness::SameLoginAgain), G3);
    only_in_full(|| finds(worlds::EVERYWHERE_UNHEARD.quick.weakened(Weakness::SameLoginAgain), G9));
}

/// The rule before: a lost answer that is found out late ends an honest login.
#[test]
fn a_window_alone() {
    finds(worlds::LOST_ANSWERS.quick.weakened(Weakness::WindowAlone), G7);
}

/// A retry that was on its way while the first answer was stored and used would end the login.
#[test]
fn a_mark_without_a_time() {
    finds(worlds::LOST_ANSWERS.quick.weakened(Weakness::MarkIsAFlag), G7);
}

#[test]
fn a_rotation_that_is_no_first_use() {
    finds(worlds::LOST_ANSWERS.quick.weakened(Weakness::NothingRaised), G7);
}

#[test]
fn a_window_of_nothing() {
    finds(Config { window: 0, ..worlds::LOST_ANSWERS.quick }, G7);
}

/// The bound of G7 is tight: delay + 2 × skew < window + tolerance. The worlds that hold are just below it.
#[test]
fn a_request_that_is_late_by_the_bound() {
    finds(Config { delay: 4, ..worlds::LOST_ANSWERS.quick }, G7);
    finds(Config { delay: 1, ..worlds::SKEW.quick }, G7);
}

#[test]
fn no_tolerance() {
    finds(worlds::SKEW.quick.weakened(Weakness::NoTolerance), G7);
}

#[test]
fn a_mark_after_the_answer() {
    finds(worlds::SHARED.quick.weakened(Weakness::MarkAfterAnswer), G7);
}

#[test]
fn a_service_that_never_marks() {
    finds(worlds::SHARED.quick.weakened(Weakness::NeverMarked), G7);
}

#[test]
fn a_predecessor_that_is_answered_at_any_age() {
    finds(worlds::SHARED.quick.weakened(Weakness::ParentAtAnyAge), G7);
}

#[test]
fn a_mark_on_a_session_that_awaits_none() {
    finds(worlds::USED_UNMARKED.quick.weakened(Weakness::MarkWhereNoneIsAwaited), G7);
}

/// The client whose token was rotated without its key is neither answered nor asked to log in.
#[test]
fn unequal_keys_that_wait_for_a_first_use() {
    finds(worlds::SHARED_WITHOUT_KEY.quick.weakened(Weakness::UnequalKeysByMark), L2);
}

/// An update creates what it doesn't find.
#[test]
fn a_mark_of_a_session_that_is_gone() {
    finds(worlds::MARKED_END.quick.weakened(Weakness::MarkWithoutExists), WHOLE);
}
