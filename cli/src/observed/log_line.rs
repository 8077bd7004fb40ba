//! The service's log lines, each with its request.

use std::fmt;

use serde::Serialize;
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::layer::{Context, Layer};

use super::place;

/// A line of the catalogue in `docs/logs.md`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct LogLine {
    pub code: String,
    pub login_id: Option<String>,
    /// Why, in a word.
    pub reason: Option<String>,
}

/// Adds each line to its exchange.
#[derive(Debug, Clone, Copy)]
pub struct LogLines;

impl<S: Subscriber> Layer<S> for LogLines {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        let Some(place) = place() else { return };
        let mut line = LogLine::default();
        event.record(&mut line);
        if !line.code.is_empty() {
            place.exchange.lock().log.push(line);
        }
    }
}

impl Visit for LogLine {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "code" => value.clone_into(&mut self.code),
            "login_id" => self.login_id = Some(value.to_owned()),
            "reason" => self.reason = Some(value.to_owned()),
            _ => {}
        }
    }

    fn record_debug(&mut self, _field: &Field, _value: &dyn fmt::Debug) {}
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use latchkey::telling::{
        Refused,
        log::{Event, Fields, log},
    };
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;
    use crate::observed::Observer;

    #[tokio::test]
    async fn a_line_goes_to_its_request() {
        let exchange = Observer::default().begin();
        let fields = Fields { login_id: Some("the login"), reason: Some("expired"), ..Fields::default() };
        let logging = async {
            let _listening = tracing::subscriber::set_default(tracing_subscriber::registry().with(LogLines));
            log(Event::AccessDenied(Refused::Expired), fields, None);
            tracing::info!("not of the catalogue");
        };
        Arc::clone(&exchange).scope(logging).await;
        let line = LogLine { code: "access_denied".into(), login_id: Some("the login".into()), reason: Some("expired".into()) };
        assert_eq!(exchange.seen().log, [line]);
    }
}
