//! The whole service over HTTP.

#![expect(clippy::unwrap_used, clippy::string_slice, reason = "a panic fails the test, as intended")]

mod admin;
mod admin_users;
mod alarms;
mod attributes;
mod authorization_page;
mod authorizer_events;
mod axum_service;
mod bad_input;
mod bound;
mod budget;
mod cases;
mod clocks;
mod compatibility;
mod contract;
mod create_login;
mod dependencies;
mod device_list;
mod documents;
mod expiry;
mod find;
mod foreign_hashes;
mod guessing;
mod imported;
mod imports;
mod least_privilege;
mod limits;
mod lost_answers;
mod many_logins;
mod metrics;
mod mutants;
mod openapi;
mod outage;
mod own_password;
mod password_change;
mod protected_api;
mod round_trips;
mod scale;
mod secrets;
mod stolen;
mod throttling;
mod units;
mod user_changes;
mod walk;
mod words;
