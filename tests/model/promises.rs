//! The promises hold in every state of these worlds.

use crate::{
    notice::Notice::{
        Allowed, CommittedUnheard, Conflict, EndAllAcknowledged, EndedInMidCommit, HashKept, HashReplaced, LateMark, LateRotation, Login,
        LoginBlocked, LoginRefused, LoginTorn, MarkConflict, Marked, OffTheList, Recovered, Refused, Replay, Reuse, Rotation, Superseded,
        TornRead,
    },
    run::{holds, only_in_full},
    worlds,
};

#[test]
fn parallel_refreshes_share_one_rotation_and_one_pair() {
    holds(worlds::PARALLEL, &[Rotation, Replay, TornRead, Conflict, CommittedUnheard]);
    holds(worlds::THREE, &[Rotation, Replay, TornRead, Conflict, CommittedUnheard]);
}

#[test]
fn an_honest_client_is_never_logged_out() {
    holds(worlds::TABS, &[Rotation, Replay, Superseded, CommittedUnheard]);
}

#[test]
fn a_thief_ends_the_login_or_is_shut_out() {
    holds(worlds::THIEF, &[Rotation, Replay, Reuse, Refused]);
    holds(worlds::KEYS, &[Rotation, Superseded, Reuse]);
}

#[test]
fn a_token_older_than_what_a_login_remembers_is_judged_by_the_oldest_window() {
    holds(worlds::CHAIN, &[Rotation, Replay, Superseded, OffTheList, Reuse, Refused]);
}

#[test]
fn nothing_passes_after_a_logout() {
    holds(worlds::LOGOUT, &[Rotation, Replay, TornRead, Allowed, EndedInMidCommit, Refused]);
}

#[test]
fn no_login_survives_everywhere() {
    holds(worlds::EVERYWHERE, &[Login, EndAllAcknowledged, Conflict]);
    holds(worlds::EVERYWHERE_REFRESHED, &[Login, Rotation, EndAllAcknowledged, Conflict]);
    holds(worlds::EVERYWHERE_LIMITED, &[Login, EndAllAcknowledged, Conflict]);
}

#[test]
fn no_login_by_the_old_password_survives_its_change() {
    holds(worlds::PASSWORD_CHANGE, &[Login, EndAllAcknowledged, LoginRefused, Conflict]);
    holds(worlds::HASH_REPLACED, &[Login, EndAllAcknowledged, LoginRefused, HashReplaced, HashKept]);
}

#[test]
fn no_other_login_survives_a_users_own_change_of_the_password() {
    holds(worlds::OWN_CHANGE, &[Login, EndAllAcknowledged, LoginRefused, Conflict]);
    holds(worlds::OWN_CHANGE_ENDED, &[Login, LoginTorn, EndAllAcknowledged, Conflict]);
}

#[test]
fn no_login_survives_a_block_and_none_is_created_after_it() {
    holds(worlds::BLOCK, &[Login, LoginBlocked, EndAllAcknowledged, Conflict]);
    holds(worlds::BLOCK_REFRESHED, &[Login, LoginBlocked, Rotation, EndAllAcknowledged, Conflict]);
}

#[test]
fn no_login_is_issued_after_a_removal() {
    holds(worlds::REMOVAL, &[Login, LoginBlocked, EndAllAcknowledged]);
}

#[test]
fn a_login_that_makes_room_ends_what_it_replaces() {
    holds(worlds::LIMIT, &[Login, Conflict]);
}

#[test]
fn a_login_ends_the_one_before_it_of_its_device() {
    holds(worlds::DEVICE, &[Login, Conflict]);
    holds(worlds::DEVICE_ENDED, &[Login, EndAllAcknowledged]);
    holds(worlds::DEVICE_UNHEARD, &[Login]);
}

#[test]
fn a_login_made_anew_is_another_login() {
    holds(worlds::LISTED_END, &[Login, LoginTorn]);
    only_in_full(|| holds(worlds::EVERYWHERE_UNHEARD, &[Login, LoginTorn, EndAllAcknowledged]));
}

#[test]
fn an_honest_client_is_answered_however_late_it_hears_of_a_lost_answer() {
    holds(worlds::LOST_ANSWERS, &[Rotation, Replay, Recovered, Superseded, LateRotation, LateMark, Marked]);
    holds(worlds::SLOW_HANDLERS, &[Rotation, Replay, Recovered, LateRotation, Marked]);
    holds(worlds::TORN_MARKS, &[Rotation, Replay, TornRead, Conflict, Recovered, LateRotation, LateMark, Marked, MarkConflict]);
    holds(worlds::SKEW, &[Rotation, Replay, Recovered, Superseded, Marked]);
}

#[test]
fn a_thief_is_answered_no_longer_than_a_window_after_the_first_use() {
    holds(worlds::SHARED, &[Rotation, Replay, Recovered, Superseded, Reuse, Refused, Marked, LateMark]);
    holds(worlds::SHARED_WITHOUT_KEY, &[Rotation, Superseded, Reuse, Marked]);
    holds(worlds::USED_UNMARKED, &[Rotation, Reuse, Marked]);
}

#[test]
fn marks_leave_nothing_behind_after_an_end() {
    holds(worlds::MARKED_END, &[Rotation, Marked, LateMark]);
}
