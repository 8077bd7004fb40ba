//! Where DynamoDB is, by region and environment. It is computed once, at start.
//!
//! The SDK's resolver reads a table of all partitions and compiles its regular expressions, a tenth of a start. Its answers are
//! the test of these.

use http::Uri;

use crate::config::{ConfigError, Environment};

/// An own endpoint for DynamoDB, and one for every service. The first goes before the second.
const ENDPOINTS: [&str; 2] = ["AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL"];
const FIPS: &str = "AWS_USE_FIPS_ENDPOINT";
const DUAL_STACK: &str = "AWS_USE_DUALSTACK_ENDPOINT";

/// The first parts of the regions of each partition, the domain of its services, and that of their dual-stack endpoints. The
/// first match counts, and any other region is one of the first partition.
const PARTITIONS: [(&[&str], &str, &str); 8] = [
    (&["cn"], "amazonaws.com.cn", "api.amazonwebservices.com.cn"),
    (&["us", "gov"], "amazonaws.com", "api.aws"),
    (&["us", "iso"], "c2s.ic.gov", "api.aws.ic.gov"),
    (&["us", "isob"], "sc2s.sgov.gov", "api.aws.scloud"),
    (&["us", "isof"], "csp.hci.ic.gov", "api.aws.hci.ic.gov"),
    (&["eu", "isoe"], "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"),
    (&["eusc"], "amazonaws.eu", "api.amazonwebservices.eu"),
    (&[], "amazonaws.com", "api.aws"),
];

/// The region, as Lambda sets it.
pub(super) fn region(environment: &Environment<'_>) -> Result<String, ConfigError> {
    let region = ["AWS_REGION", "AWS_DEFAULT_REGION"].iter().find_map(|variable| environment.get(variable));
    let wrong = |problem| ConfigError { variable: "AWS_REGION", problem, takes: "the region of the tables, such as eu-central-1".into() };
    let region = region.ok_or_else(|| wrong("is not set".into()))?;
    let is_label = region.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if is_label && region.len() <= 63 { Ok(region) } else { Err(wrong(format!("is {region:?}"))) }
}

/// The endpoint that the environment names, or that of the region.
pub(super) fn endpoint(environment: &Environment<'_>, region: &str) -> Result<Uri, ConfigError> {
    let (fips, dual_stack) = (is_set(environment, FIPS)?, is_set(environment, DUAL_STACK)?);
    for variable in ENDPOINTS {
        let Some(url) = environment.get(variable) else { continue };
        let takes = "the URL of a DynamoDB, http:// or https:// and a host, without FIPS or dual-stack variables beside it";
        let wrong = || ConfigError { variable, problem: format!("is {url:?}"), takes: takes.into() };
        let endpoint: Uri = url.parse().map_err(|_| wrong())?;
        let plain = matches!(endpoint.scheme_str(), Some("http" | "https")) && endpoint.path() == "/" && endpoint.query().is_none();
        return if plain && !fips && !dual_stack { Ok(endpoint) } else { Err(wrong()) };
    }
    let url = format!("https://{}/", host(region, fips, dual_stack));
    url.parse().map_err(|_| ConfigError { variable: "AWS_REGION", problem: format!("is {region:?}"), takes: "a region".into() })
}

fn host(region: &str, fips: bool, dual_stack: bool) -> String {
    let is_of =
        |(begin, ..): &&(&[&str], &str, &str)| begin.iter().zip(region.split('-')).filter(|(part, of)| *part == of).count() == begin.len();
    let (begin, domain, dual_stack_domain) = PARTITIONS.iter().find(is_of).copied().unwrap_or((&[], "amazonaws.com", "api.aws"));
    let domain = if dual_stack { dual_stack_domain } else { domain };
    // In GovCloud every DynamoDB endpoint is a FIPS endpoint, and has no name of its own.
    let service = if fips && (dual_stack || begin != ["us", "gov"]) { "dynamodb-fips" } else { "dynamodb" };
    format!("{service}.{region}.{domain}")
}

fn is_set(environment: &Environment<'_>, variable: &'static str) -> Result<bool, ConfigError> {
    match environment.get(variable).as_deref() {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(other) => Err(ConfigError { variable, problem: format!("is {other:?}"), takes: "`true` or `false`".into() }),
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::config::endpoint::{DefaultResolver, Params, ResolveEndpoint as _};
    use futures_util::FutureExt as _;

    use super::*;

    fn ours(variables: &[(&str, &str)]) -> Result<String, String> {
        let environment = Environment::from_fn(|name| {
            let found = variables.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| (*value).to_owned())
        });
        let region = region(&environment).map_err(|error| error.variable.to_owned())?;
        endpoint(&environment, &region).map(|endpoint| endpoint.to_string()).map_err(|error| error.variable.to_owned())
    }

    fn of_sdk(region: &str, fips: bool, dual_stack: bool, endpoint: Option<&str>) -> Option<String> {
        let parameters = Params::builder().region(region.to_owned()).use_fips(fips).use_dual_stack(dual_stack);
        let parameters = parameters.set_endpoint(endpoint.map(str::to_owned)).build().unwrap();
        let resolved = DefaultResolver::new().resolve_endpoint(&parameters).now_or_never().unwrap();
        resolved.ok().map(|endpoint| Uri::try_from(endpoint.url()).unwrap().to_string())
    }

    const REGIONS: [&str; 18] = [
        "us-east-1",
        "eu-central-1",
        "ap-southeast-7",
        "mx-central-1",
        "il-central-1",
        "af-south-1",
        "me-south-1",
        "cn-north-1",
        "cn-northwest-1",
        "us-gov-west-1",
        "us-gov-east-1",
        "us-iso-east-1",
        "us-isob-west-1",
        "us-isof-south-1",
        "eu-isoe-west-1",
        "eusc-de-east-1",
        "us-future-9",
        "xx-unknown-1",
    ];

    #[test]
    fn endpoints_are_the_sdks_in_every_partition() {
        for region in REGIONS {
            for (fips, dual_stack) in [(false, false), (true, false), (false, true), (true, true)] {
                let text = |set: bool| if set { "true" } else { "false" };
                let variables = [("AWS_REGION", region), (FIPS, text(fips)), (DUAL_STACK, text(dual_stack))];
                assert_eq!(ours(&variables).ok(), of_sdk(region, fips, dual_stack, None), "{region} {fips} {dual_stack}");
            }
        }
    }

    #[test]
    fn an_endpoint_of_the_environment_goes_first() {
        let region = ("AWS_REGION", "eu-central-1");
        let (own, any) = ("https://vpce-1.dynamodb.eu-central-1.vpce.amazonaws.com", "http://localhost:8000");
        assert_eq!(ours(&[region, (ENDPOINTS[1], any)]).ok(), of_sdk(region.1, false, false, Some(any)));
        assert_eq!(ours(&[region, (ENDPOINTS[0], own), (ENDPOINTS[1], any)]).ok(), of_sdk(region.1, false, false, Some(own)));
        // The SDK refuses both together, too.
        assert_eq!(ours(&[region, (ENDPOINTS[1], any), (FIPS, "true")]), Err(ENDPOINTS[1].to_owned()));
        assert_eq!(of_sdk(region.1, true, false, Some(any)), None);
        assert_eq!(ours(&[region, (ENDPOINTS[1], any), (DUAL_STACK, "true")]), Err(ENDPOINTS[1].to_owned()));
        assert_eq!(of_sdk(region.1, false, true, Some(any)), None);
    }

    #[test]
    fn a_wrong_variable_is_named() {
        for (variables, named) in [
            (&[][..], "AWS_REGION"),
            (&[("AWS_REGION", "eu central")], "AWS_REGION"),
            (&[("AWS_REGION", "eu-central-1"), (FIPS, "yes")], FIPS),
            (&[("AWS_REGION", "eu-central-1"), (ENDPOINTS[0], "localhost:8000")], ENDPOINTS[0]),
            (&[("AWS_REGION", "eu-central-1"), (ENDPOINTS[0], "ftp://localhost")], ENDPOINTS[0]),
            (&[("AWS_REGION", "eu-central-1"), (ENDPOINTS[0], "http://localhost/table?x")], ENDPOINTS[0]),
        ] {
            assert_eq!(ours(variables), Err(named.to_owned()), "{variables:?}");
        }
        assert!(ours(&[("AWS_DEFAULT_REGION", "eu-central-1")]).is_ok());
    }
}
