//! Condition functions: `Fn::Equals`, `Fn::And`, `Fn::Or`, `Fn::Not`, `Condition`.

use serde_json::Value;

use super::{
    TemplateError,
    scope::{Scope, as_intrinsic},
};

impl Scope<'_> {
    /// Whether the condition called `name` holds.
    pub(super) fn condition(&self, name: &str, place: &str) -> Result<bool, TemplateError> {
        let condition = self
            .conditions
            .and_then(|all| all.get(name))
            .ok_or_else(|| TemplateError::UnknownReference { place: place.to_owned(), name: name.to_owned() })?;
        let place = format!("Conditions.{name}");
        self.following(&place, || self.holds(condition, &place))
    }

    fn holds(&self, condition: &Value, place: &str) -> Result<bool, TemplateError> {
        match as_intrinsic(condition) {
            Some(("Condition", Value::String(name))) => self.condition(name, place),
            Some((function, Value::Array(parts))) => {
                let all = || parts.iter().map(|part| self.holds(part, place));
                match (function, parts.as_slice()) {
                    ("Fn::Equals", [left, right]) => Ok(self.text(left, place)? == self.text(right, place)?),
                    ("Fn::Not", [inner]) => self.holds(inner, place).map(|holds| !holds),
                    ("Fn::And", _) => all().collect::<Result<Vec<_>, _>>().map(|each| each.iter().all(|holds| *holds)),
                    ("Fn::Or", _) => all().collect::<Result<Vec<_>, _>>().map(|each| each.iter().any(|holds| *holds)),
                    _ => Err(TemplateError::Intrinsic { place: place.to_owned(), name: function.to_owned() }),
                }
            }
            _ => Err(TemplateError::unexpected(place, "a condition function", condition)),
        }
    }
}
