//! A session's attributes as the members of an answer.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::model::Attributes;

/// The attributes with the types of RFC 7662 and OpenID Connect; those that aren't set are left out. Put it into an answer with
/// `#[serde(flatten)]`. The actor isn't in it: an introspection answers an object (RFC 8693), and an app gets the id.
#[derive(Debug, Serialize)]
pub struct AttributeMembers<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_time: Option<i64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    amr: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    acr: Option<&'a str>,
    /// The team's own.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    attributes: BTreeMap<&'a str, &'a str>,
}

impl<'a> From<&'a Attributes> for AttributeMembers<'a> {
    fn from(of: &'a Attributes) -> Self {
        Self { scope: of.scope(), auth_time: of.auth_time(), amr: of.amr().collect(), acr: of.acr(), attributes: of.own().collect() }
    }
}
