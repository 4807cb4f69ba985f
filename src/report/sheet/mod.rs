//! What a page shows, before it is drawn: sections of statements, pictures and tables, made from a
//! document. Text and HTML are made from the same sheet, and the sheet from the same JSON, so that
//! a run and its saved document give the same page.

mod blast;
mod cast;
mod common;
mod comparison;
mod delay;
mod generic;
mod mesh;
mod ping;
mod probe;
mod relay;
mod shape;
mod sizes;
mod text;
mod trials;
mod unit;

pub use comparison::{compared, merged};
pub use mesh::meshed;
pub use text::sheet_text;

pub(super) use shape::{Align, Axis, Block, Chart, Figure, Line, Section, Statement, Table};
pub(super) use unit::Unit;

use crate::record::saved::{Saved, SavedCommand};

/// A page without a form.
#[derive(Clone, Debug, PartialEq)]
pub struct Sheet {
    pub(super) title: String,
    pub(super) sections: Vec<Section>,
    /// Everything else that the document has: on a page, and not in text.
    pub(super) rest: Vec<Section>,
}

/// The sheet of a document.
pub fn sheet(saved: &Saved) -> Sheet {
    let root = saved.root();
    let name = root.at("command").text().unwrap_or("-");
    let target = ["target", "host", "group", "server"].map(|key| root.at(key).text());
    let target = target.into_iter().flatten().next().map(str::to_owned);
    let target = target.or_else(|| ping::names(root));
    let title = match target {
        Some(target) => format!("udpkit {name}: {target}"),
        None => format!("udpkit {name}"),
    };
    let mut sections = Vec::new();
    common::found(root, &mut sections);
    match saved.command {
        SavedCommand::Blast if root.at("trials").is_there() => trials::draw(root, &mut sections),
        SavedCommand::Blast => blast::draw(root, &mut sections),
        SavedCommand::Ping => ping::draw(root, &mut sections),
        SavedCommand::CastSend | SavedCommand::CastRecv => cast::draw(root, &mut sections),
        SavedCommand::Relay => relay::draw(root, &mut sections),
        _ => probe::draw(root, &mut sections),
    }
    common::run(root, &mut sections);
    let mut rest = Vec::new();
    generic::rest(root, &mut rest);
    Sheet { title, sections, rest }
}
