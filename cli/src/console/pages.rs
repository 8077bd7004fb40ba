//! The console's files. They are compiled into this program, and sent with headers that isolate the page.

use axum::{
    response::{IntoResponse as _, Response},
    routing::{MethodRouter, get},
};
use http::header;
use swagger_ui_dist::{ApiDefinition, OpenApiSource};
use tower_service::Service as _;

#[derive(Debug, Clone, Copy)]
pub(super) struct Page {
    pub(super) path: &'static str,
    content_type: &'static str,
    policy: &'static str,
    text: &'static str,
}

/// No file from another origin, no inline script or style, no markup made from text.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'";

/// Swagger UI writes style attributes, has its icons in `data:` URLs, and makes markup of Markdown, which DOMPurify cleans
/// first. Scripts are held as strictly as elsewhere: this origin's files and nothing inline.
const REFERENCE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                                connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

macro_rules! page {
    ($path:literal, $type:expr, $policy:expr, $file:literal) => {
        Page { path: $path, content_type: $type, policy: $policy, text: include_str!($file) }
    };
}

pub(super) const PAGES: [Page; 17] = [
    page!("/", HTML, POLICY, "assets/console.html"),
    page!("/_console/console.css", CSS, POLICY, "assets/console.css"),
    page!("/_console/icon.svg", "image/svg+xml", POLICY, "assets/icon.svg"),
    page!("/_console/main.js", SCRIPT, POLICY, "assets/main.js"),
    page!("/_console/actions.js", SCRIPT, POLICY, "assets/actions.js"),
    page!("/_console/answer.js", SCRIPT, POLICY, "assets/answer.js"),
    page!("/_console/dom.js", SCRIPT, POLICY, "assets/dom.js"),
    page!("/_console/key.js", SCRIPT, POLICY, "assets/key.js"),
    page!("/_console/lanes.js", SCRIPT, POLICY, "assets/lanes.js"),
    page!("/_console/log.js", SCRIPT, POLICY, "assets/log.js"),
    page!("/_console/office.js", SCRIPT, POLICY, "assets/office.js"),
    page!("/_console/timeline.js", SCRIPT, POLICY, "assets/timeline.js"),
    page!("/_console/token.js", SCRIPT, POLICY, "assets/token.js"),
    page!("/docs", HTML, REFERENCE_POLICY, "assets/reference.html"),
    page!("/docs/reference.css", CSS, POLICY, "assets/reference.css"),
    page!("/docs/reference.js", SCRIPT, POLICY, "assets/reference.js"),
    page!("/docs/openapi.yaml", "application/yaml", POLICY, "../../../docs/openapi.yaml"),
];

impl Page {
    pub(super) fn response(&self) -> Response {
        guarded(self.content_type, self.policy, self.text)
    }
}

/// An answer of the console that isn't a file.
pub(super) fn json(text: String) -> Response {
    guarded("application/json", POLICY, text)
}

fn guarded(content_type: &'static str, policy: &'static str, body: impl Into<axum::body::Body>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, content_type),
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        // The page of a newer program must not run the cached script of an older one.
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, body.into()).into_response()
}

/// Swagger UI's script and stylesheet, as the crate `swagger-ui-dist` brings them. Its page isn't used: that has an inline
/// script.
pub(super) fn swagger_ui() -> [(&'static str, MethodRouter); 2] {
    let unused = ApiDefinition { uri_prefix: "/docs", api_definition: OpenApiSource::Uri("/docs/openapi.yaml"), title: None::<&str> };
    let files = swagger_ui_dist::generate_routes(unused);
    ["/docs/swagger-ui-bundle.js", "/docs/swagger-ui.css"].map(|path| {
        let mut files = files.clone();
        (path, get(move |request: axum::extract::Request| async move { files.call(request).await }))
    })
}
