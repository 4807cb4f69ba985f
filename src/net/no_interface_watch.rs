//! Notices of changed interfaces, which other systems do not send as Linux does.

use crate::sys::unsupported;
use mio::event::Source;
use mio::{Interest, Registry, Token};
use std::io;

/// A subscription to changes of interfaces and addresses: there is none.
#[derive(Debug)]
pub enum InterfaceWatch {}

impl InterfaceWatch {
    /// Subscribes.
    pub fn open() -> io::Result<Self> {
        Err(unsupported())
    }

    /// Notices of routes too.
    pub fn follow_routes(&mut self) -> bool {
        match *self {}
    }

    /// Reads what is queued.
    pub fn drain(&mut self) {
        match *self {}
    }
}

impl Source for InterfaceWatch {
    fn register(&mut self, _: &Registry, _: Token, _: Interest) -> io::Result<()> {
        match *self {}
    }

    fn reregister(&mut self, _: &Registry, _: Token, _: Interest) -> io::Result<()> {
        match *self {}
    }

    fn deregister(&mut self, _: &Registry) -> io::Result<()> {
        match *self {}
    }
}
