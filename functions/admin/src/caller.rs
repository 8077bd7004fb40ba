//! The IAM principal that signed the request.

use lambda_http::aws_lambda_events::apigw::ApiGatewayRequestIdentity;
use latchkey::telling::log::Fields;

/// The principal, as API Gateway names it.
///
/// The ARN of an assumed role ends in a session name that the caller chose. The id begins with the role's own, which no caller can
/// choose.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Caller<'a> {
    arn: &'a str,
    id: Option<&'a str>,
}

impl<'a> Caller<'a> {
    pub(crate) fn of(identity: &'a ApiGatewayRequestIdentity) -> Option<Self> {
        let arn = identity.user_arn.as_deref().filter(|arn| !arn.is_empty())?;
        Some(Self { arn, id: identity.caller.as_deref() })
    }

    /// The fields of a log line, with the caller in them.
    pub(crate) fn named_in(self, fields: Fields<'a>) -> Fields<'a> {
        Fields { user_arn: Some(self.arn), caller: self.id, ..fields }
    }
}
