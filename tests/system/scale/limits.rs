//! The limits that a growing service reaches: samconfig.toml's values for production, and AWS's defaults.

use super::load::Load;

const SAMCONFIG: &str = include_str!("../../../samconfig.toml");

/// A parameter of the environment `prod`.
fn of_prod(parameter: &str) -> f64 {
    let (_, prod) = SAMCONFIG.split_once("[prod.deploy.parameters]").unwrap();
    let (_, value) = prod.split_once(&format!("\"{parameter}=")).unwrap();
    value.split('"').next().unwrap().parse().unwrap()
}

pub(super) struct Limit {
    pub(super) name: &'static str,
    pub(super) most: f64,
    /// The part of a load that the limit applies to.
    pub(super) of: fn(&Load) -> f64,
    pub(super) raise: &'static str,
}

pub(super) fn all() -> [Limit; 8] {
    [
        Limit {
            name: "`LoginRateLimit` of `prod`, logins a second",
            most: of_prod("LoginRateLimit"),
            of: |load| load.logins,
            raise: "the parameter, up to 10,000; each at once is a processor",
        },
        Limit {
            name: "`ApiRateLimit` of `prod`, refreshes a second",
            most: of_prod("ApiRateLimit"),
            of: |load| load.refreshes,
            raise: "the parameter, up to 10,000, with `ApiBurstLimit`",
        },
        // https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
        Limit {
            name: "API Gateway, requests a second of an account in a region",
            most: 10_000.0,
            of: |load| load.requests,
            raise: "Service Quotas; 2,500 in some regions",
        },
        // https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html
        Limit {
            name: "Lambda, functions at once of an account in a region",
            most: 1_000.0,
            of: |load| load.concurrency,
            raise: "Service Quotas; far fewer in new accounts",
        },
        // https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/warm-throughput-scenarios.html
        Limit {
            name: "a new table's warm throughput, read units a second",
            most: 12_000.0,
            of: |load| load.reads,
            raise: "itself as traffic grows; before a launch `aws dynamodb update-table --warm-throughput`",
        },
        Limit {
            name: "a new table's warm throughput, write units a second",
            most: 4_000.0,
            of: |load| load.writes,
            raise: "the same way, the table and both indexes",
        },
        // https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html
        Limit { name: "a table's quota, read units a second", most: 40_000.0, of: |load| load.reads, raise: "Service Quotas" },
        Limit { name: "a table's quota, write units a second", most: 40_000.0, of: |load| load.writes, raise: "Service Quotas" },
    ]
}
