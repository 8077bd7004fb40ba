//! The trace that a request belongs to.

/// The trace's id in an X-Ray header, `Root=1-5759e988-bd862e3fe1be46a994272793;Parent=…;Sampled=1`, where the trace is kept
/// (<https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader>).
///
/// The header may come from a client, so only an id's own characters pass.
pub(super) fn kept_trace_id(header: &str) -> Option<&str> {
    let field = |name: &str| header.split(';').find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='));
    let root = field("Root").filter(|_| field("Sampled") == Some("1"))?;
    let mut parts = root.split('-');
    let is_hex = |part: Option<&str>, digits: usize| {
        part.is_some_and(|part| part.len() == digits && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')))
    };
    let is_id = parts.next() == Some("1") && is_hex(parts.next(), 8) && is_hex(parts.next(), 24) && parts.next().is_none();
    is_id.then_some(root)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_that_is_kept_has_an_id() {
        let id = "1-5759e988-bd862e3fe1be46a994272793";
        for header in ["Root=ID;Parent=53995c3f42cd8ad8;Sampled=1", "Sampled=1; Root=ID", "Root=ID;Sampled=1;Lineage=1:a87bd80c:0"] {
            assert_eq!(kept_trace_id(&header.replace("ID", id)), Some(id), "{header}");
        }
        for header in ["Root=ID;Parent=53995c3f42cd8ad8;Sampled=0", "Root=ID", "Sampled=1", "ID", ""] {
            assert_eq!(kept_trace_id(&header.replace("ID", id)), None, "{header}");
        }
    }

    /// API Gateway passes on a trace header that the client sent.
    #[test]
    fn nothing_but_an_id_passes() {
        for root in [
            "1-5759e988-bd862e3fe1be46a99427279\n",
            "1-5759e988-bd862e3fe1be46a9942727934",
            "2-5759e988-bd862e3fe1be46a994272793",
            "1-5759E988-bd862e3fe1be46a994272793",
            "1-5759e988-bd862e3fe1be46a994272793-",
            "lkr_CANARY",
            "\"",
            "",
        ] {
            assert_eq!(kept_trace_id(&format!("Root={root};Sampled=1")), None, "{root:?}");
        }
    }
}
