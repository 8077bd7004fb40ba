//! Whatever JSON comes as an event is read or refused.
#![no_main]

use latchkey::front::GatewayEvent;
use latchkey_authorizer::AuthorizerEvent;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let _read_or_refused = serde_json::from_str::<AuthorizerEvent>(text);
    let _read_or_refused = serde_json::from_str::<GatewayEvent>(text);
});
