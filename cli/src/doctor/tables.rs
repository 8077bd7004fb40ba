//! A table of the stack, held against the template's.

use aws_sdk_dynamodb::{
    Client,
    error::{ProvideErrorMetadata as _, SdkError},
    operation::describe_table::DescribeTableError,
    types::{IndexStatus, PointInTimeRecoveryStatus, SseStatus, SseType, TableDescription, TableStatus, TimeToLiveStatus},
};

use super::{Check, DoctorError, clock::Watch};
use crate::{
    client::{is_unreadable, reason},
    tables::{TablesError, compare},
    template::Table,
};

/// What isn't checked on an emulator: it would show how the emulator is made, not how the stage is deployed.
const NOT_ON_AN_EMULATOR: &str = "point-in-time recovery, encryption, deletion protection";

/// The checks of one table, and what it is, where there is one that can be read.
pub(super) async fn check(
    client: &Client,
    table: &Table,
    emulated: bool,
    watch: &Watch,
) -> Result<(Vec<Check>, Option<TableDescription>), DoctorError> {
    let name = &table.name;
    let described = client.describe_table().table_name(name).customize().interceptor(watch.clone()).send().await;
    let description = match described {
        Ok(output) => output.table.unwrap_or_else(|| TableDescription::builder().build()),
        // The table is there, and its items can be looked at.
        Err(error) if is_unreadable(&error) => {
            let unread = unreadable(format!("table {name}: active, key and indexes"), "DescribeTable");
            return Ok((vec![unread, ttl(client, table).await?], Some(TableDescription::builder().build())));
        }
        Err(error) if error.as_service_error().is_some_and(DescribeTableError::is_resource_not_found_exception) => {
            let fix = "check the name, --region and --profile; where the stack is half deployed, deploy it again";
            return Ok((vec![Check::finding(format!("table {name}"), "there is no such table", fix)], None));
        }
        Err(error) if denied(&error) => return Ok((vec![may_not(format!("table {name}"), "DescribeTable")], None)),
        Err(error) => return Err(DoctorError::DynamoDb { operation: "DescribeTable", table: name.clone(), reason: reason(&error) }),
    };
    let mut checks = vec![status(name, &description), shape(table, &description), ttl(client, table).await?];
    if emulated {
        checks.push(Check::skipped(format!("table {name}: {NOT_ON_AN_EMULATOR}"), "not checked on an emulator"));
    } else {
        checks.extend([recovery(client, name).await?, encryption(name, &description), deletion_protection(name, &description)]);
    }
    Ok((checks, Some(description)))
}

fn status(name: &str, description: &TableDescription) -> Check {
    let what = format!("table {name}: active");
    let being_made = description.global_secondary_indexes().iter().find(|index| {
        let status = index.index_status();
        status.is_some_and(|status| *status != IndexStatus::Active)
    });
    match (description.table_status(), being_made.and_then(|index| index.index_name())) {
        (Some(TableStatus::Active | TableStatus::Updating), None) => Check::ok(what),
        (Some(TableStatus::InaccessibleEncryptionCredentials), _) => {
            Check::finding(what, "DynamoDB can't use its key", "enable the KMS key again, and let DynamoDB use it, within 7 days")
        }
        (_, Some(index)) => Check::finding(what, format!("index {index} isn't yet"), "wait for it; tokens are not found by it until then"),
        (status, None) => {
            let status = status.map_or("unknown", TableStatus::as_str);
            Check::finding(what, format!("its status is {status}"), "wait for it, or deploy the stack again")
        }
    }
}

fn shape(table: &Table, description: &TableDescription) -> Check {
    let what = format!("table {}: key and indexes", table.name);
    match compare::check(table, description) {
        Ok(()) => Check::ok(what),
        Err(TablesError::Differs { what: part, found, expected, .. }) => Check::finding(
            what,
            format!("{part} is {found}"),
            format!("it has to be {expected}: deploy template.yaml, or name the table that it made"),
        ),
        Err(other) => Check::finding(what, other.to_string(), "deploy template.yaml"),
    }
}

async fn ttl(client: &Client, table: &Table) -> Result<Check, DoctorError> {
    let (name, attribute) = (&table.name, table.ttl_attribute.as_deref().unwrap_or("ttl"));
    let what = format!("table {name}: time to live");
    let described = match client.describe_time_to_live().table_name(name).send().await {
        Ok(output) => output.time_to_live_description,
        Err(error) if denied(&error) => return Ok(may_not(what, "DescribeTimeToLive")),
        Err(error) if is_unreadable(&error) => return Ok(unreadable(what, "DescribeTimeToLive")),
        Err(error) => return Err(DoctorError::DynamoDb { operation: "DescribeTimeToLive", table: name.clone(), reason: reason(&error) }),
    };
    let (status, by) = described.as_ref().map(|ttl| (ttl.time_to_live_status(), ttl.attribute_name())).unwrap_or_default();
    let on = matches!(status, Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling));
    let found =
        if on { format!("it is on for {}", by.unwrap_or("nothing")) } else { "it is off: expired items are never deleted".to_owned() };
    let fix =
        format!("aws dynamodb update-time-to-live --table-name {name} --time-to-live-specification Enabled=true,AttributeName={attribute}");
    Ok(Check::hold(on && by == Some(attribute), what, found, fix))
}

async fn recovery(client: &Client, name: &str) -> Result<Check, DoctorError> {
    let what = format!("table {name}: point-in-time recovery");
    let described = match client.describe_continuous_backups().table_name(name).send().await {
        Ok(output) => output.continuous_backups_description,
        Err(error) if denied(&error) => return Ok(may_not(what, "DescribeContinuousBackups")),
        Err(error) if is_unreadable(&error) => return Ok(unreadable(what, "DescribeContinuousBackups")),
        Err(error) => {
            return Err(DoctorError::DynamoDb { operation: "DescribeContinuousBackups", table: name.to_owned(), reason: reason(&error) });
        }
    };
    let status = described
        .as_ref()
        .and_then(|backups| backups.point_in_time_recovery_description())
        .and_then(|it| it.point_in_time_recovery_status());
    let fix = format!(
        "aws dynamodb update-continuous-backups --table-name {name} --point-in-time-recovery-specification PointInTimeRecoveryEnabled=true"
    );
    Ok(Check::hold(status == Some(&PointInTimeRecoveryStatus::Enabled), what, "it is off: a mistake can't be undone", fix))
}

fn encryption(name: &str, description: &TableDescription) -> Check {
    let sse = description.sse_description();
    let on = sse
        .is_some_and(|sse| matches!(sse.status(), Some(SseStatus::Enabled | SseStatus::Updating)) && sse.sse_type() == Some(&SseType::Kms));
    let fix = format!("aws dynamodb update-table --table-name {name} --sse-specification Enabled=true,SSEType=KMS");
    Check::hold(on, format!("table {name}: encryption"), "it is under DynamoDB's own key, whose use no log shows", fix)
}

fn deletion_protection(name: &str, description: &TableDescription) -> Check {
    let fix =
        format!("aws dynamodb update-table --table-name {name} --deletion-protection-enabled; it is the parameter DeletionProtection");
    let on = description.deletion_protection_enabled() == Some(true);
    Check::hold(on, format!("table {name}: deletion protection"), "it is off: one call deletes the table", fix)
}

pub(super) fn denied<E: aws_sdk_dynamodb::error::ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> bool {
    error.code() == Some("AccessDeniedException")
}

/// One answer that can't be read leaves out one check, and not all of them.
pub(super) fn unreadable(what: String, operation: &str) -> Check {
    Check::skipped(what, format!("the answer to {operation} can't be read"))
}

pub(super) fn may_not(what: String, operation: &str) -> Check {
    Check::skipped(what, format!("these credentials don't allow dynamodb:{operation}"))
}
