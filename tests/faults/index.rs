//! F6: tokens that Latchkey issued carry their table key, so index lag doesn't affect them.

use strum::VariantArray as _;

use crate::{
    cell::{Cell, Prelude},
    paths::Path,
    subject::Ground,
};

#[tokio::test]
async fn no_path_asks_an_index() {
    let ground = Ground::new().await;
    for &path in Path::VARIANTS {
        let calls = Cell { path, prelude: Prelude::Nothing, rule: None }.calls(&ground).await;
        assert!(!calls.is_empty() && calls.iter().all(|call| call.index.is_none()), "{path:?}: {calls:?}");
    }
}
