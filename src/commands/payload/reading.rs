//! Converts the text of a message to bytes: literally, with escapes, from hexadecimal digits, or as
//! a template.

use super::PayloadLimit;
use crate::cli::PayloadArgs;
use crate::commands::usage::PayloadUsage;
use crate::session::Message;
use crate::wire::{Template, parse_hex, unescape};

/// How to interpret text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    escape: bool,
    hex: bool,
    template: bool,
}

impl Reading {
    pub fn of(args: &PayloadArgs) -> Self {
        Self { escape: args.escape, hex: args.hex, template: args.template }
    }

    /// The message for `text`, or the error.
    pub fn message(self, text: &[u8], limit: PayloadLimit) -> Result<Message, PayloadUsage> {
        let bytes = if self.escape {
            unescape(text).map_err(|wrong| PayloadUsage::Text(wrong.to_string()))?
        } else if self.hex {
            parse_hex(text).map_err(|wrong| PayloadUsage::Text(wrong.to_string()))?
        } else {
            text.to_vec()
        };
        let message = if self.template {
            Message::Template(
                Template::parse(&bytes).map_err(|wrong| PayloadUsage::Text(wrong.to_string()))?,
            )
        } else {
            Message::Bytes(bytes)
        };
        limit.check(message.largest() as u64)?;
        Ok(message)
    }
}
