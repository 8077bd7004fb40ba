//! AWS's prices in US dollars, on demand, in us-east-1, without free tiers. Read on 2026-11-24 from the pages named here,
//! or from copies of them. Prices change; the bill is authoritative.

/// <https://aws.amazon.com/dynamodb/pricing/on-demand/>, since 2024-11-01: a million request units.
const READ_UNITS: f64 = 0.125;
const WRITE_UNITS: f64 = 0.625;
/// The same page: a GB for a month, in the table and for point-in-time recovery.
const STORED_GB: f64 = 0.25 + 0.20;
/// <https://aws.amazon.com/lambda/pricing/>: a million requests, and a GB-second on arm64, by the month's GB-seconds.
const INVOCATIONS: f64 = 0.20;
const GB_SECONDS: Tiers = &[(7.5e9, 0.000_013_333_4), (11.25e9, 0.000_012_000_1), (f64::INFINITY, 0.000_010_666_7)];
/// <https://aws.amazon.com/api-gateway/pricing/>: a million requests of a REST API, by the month's millions.
const REST_MILLIONS: Tiers = &[(333.0, 3.50), (667.0, 2.80), (19_000.0, 2.38), (f64::INFINITY, 1.51)];
/// The same for an HTTP API.
const HTTP_MILLIONS: Tiers = &[(300.0, 1.00), (f64::INFINITY, 0.90)];
/// <https://aws.amazon.com/cloudwatch/pricing/>, since 2025-05-01: a GB that Lambda writes to CloudWatch Logs, by the month's GB.
const LOGGED_GB: Tiers = &[(10_000.0, 0.50), (20_000.0, 0.25), (20_000.0, 0.10), (f64::INFINITY, 0.05)];

/// Tiers: amounts, each with the price of a unit within it.
type Tiers = &'static [(f64, f64)];

fn tiered(amount: f64, tiers: Tiers) -> f64 {
    let (mut left, mut price) = (amount, 0.0);
    for (size, each) in tiers {
        let within = left.min(*size);
        price += within * each;
        left -= within;
    }
    price
}

/// The consumption of one operation or of a month.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Usage {
    /// DynamoDB request units.
    pub(super) reads: f64,
    pub(super) writes: f64,
    pub(super) invocations: f64,
    pub(super) gb_seconds: f64,
    /// Requests to a REST API.
    pub(super) requests: f64,
    pub(super) log_bytes: f64,
    pub(super) stored_bytes: f64,
}

impl Usage {
    pub(super) fn times(self, factor: f64) -> Self {
        Self {
            reads: self.reads * factor,
            writes: self.writes * factor,
            invocations: self.invocations * factor,
            gb_seconds: self.gb_seconds * factor,
            requests: self.requests * factor,
            log_bytes: self.log_bytes * factor,
            stored_bytes: self.stored_bytes * factor,
        }
    }

    pub(super) fn and(self, other: Self) -> Self {
        Self {
            reads: self.reads + other.reads,
            writes: self.writes + other.writes,
            invocations: self.invocations + other.invocations,
            gb_seconds: self.gb_seconds + other.gb_seconds,
            requests: self.requests + other.requests,
            log_bytes: self.log_bytes + other.log_bytes,
            stored_bytes: self.stored_bytes + other.stored_bytes,
        }
    }
}

/// The cost of that consumption.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Price {
    pub(super) dynamodb: f64,
    pub(super) lambda: f64,
    pub(super) gateway: f64,
    pub(super) logs: f64,
}

impl Price {
    pub(super) fn of(usage: &Usage) -> Self {
        let units = (usage.reads * READ_UNITS + usage.writes * WRITE_UNITS) / 1e6;
        Self {
            dynamodb: units + usage.stored_bytes / 1e9 * STORED_GB,
            lambda: usage.invocations / 1e6 * INVOCATIONS + tiered(usage.gb_seconds, GB_SECONDS),
            gateway: tiered(usage.requests / 1e6, REST_MILLIONS),
            logs: tiered(usage.log_bytes / 1e9, LOGGED_GB),
        }
    }

    pub(super) fn total(&self) -> f64 {
        self.dynamodb + self.lambda + self.gateway + self.logs
    }
}

/// The cost of so many requests to an HTTP API.
pub(super) fn http_api(requests: f64) -> f64 {
    tiered(requests / 1e6, HTTP_MILLIONS)
}

#[test]
fn a_price_falls_tier_by_tier() {
    let price = |millions: f64| tiered(millions, REST_MILLIONS);
    assert!((price(1.0) - 3.5).abs() < 1e-9 && (price(333.0) - 1_165.5).abs() < 1e-9);
    assert!((price(1_000.0) - (1_165.5 + 667.0 * 2.8)).abs() < 1e-9);
    // AWS's own example: 60 TB of logs.
    assert!((tiered(60_000.0, LOGGED_GB) - 12_500.0).abs() < 1e-9);
}
