//! Documents held against the schema in `docs/reference/schema`.

use boon::{Compiler, SchemaIndex, Schemas};
use serde_json::Value;
use std::path::Path;
use std::sync::OnceLock;

/// The compiled schema: once for a process.
fn compiled() -> &'static (Schemas, SchemaIndex) {
    static SCHEMA: OnceLock<(Schemas, SchemaIndex)> = OnceLock::new();
    SCHEMA.get_or_init(|| {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference/schema/udpkit.json");
        let mut schemas = Schemas::new();
        let file = file.to_str().expect("a path of letters");
        let index = Compiler::new().compile(file, &mut schemas).expect("a schema");
        (schemas, index)
    })
}

/// How a document differs from its schema; `None` if it does not.
pub fn fault_of(document: &Value) -> Option<String> {
    let (schemas, index) = compiled();
    schemas.validate(document, *index).err().map(|fault| format!("{fault:#}"))
}

/// Fails if a document differs from its schema.
#[track_caller]
pub fn hold_schema(document: &Value) {
    if let Some(fault) = fault_of(document) {
        panic!("a document differs from docs/reference/schema: {fault}");
    }
}
