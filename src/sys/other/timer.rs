//! The timer that a poll can wait for, which these systems lack: a poll's own timeout serves.

use crate::sys::unsupported;
use crate::units::Nanos;
use mio::event::Source;
use mio::{Interest, Registry, Token};
use std::io;

/// No timer.
#[derive(Debug)]
pub enum Timer {}

impl Timer {
    /// There is none.
    pub fn new() -> io::Result<Self> {
        Err(unsupported())
    }

    /// Sets it.
    pub fn set(&self, _: Nanos) -> io::Result<()> {
        match *self {}
    }
}

impl Source for Timer {
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
