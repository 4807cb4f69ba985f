//! `--wait-for-address`: what a socket is to be bound to or to join on may come after the start, as
//! at boot.

use crate::engine::InterfaceWait;
use crate::net::{NetError, interface_names};
use crate::sys::{ErrorNumber, errno};
use crate::units::{Nanos, name_zones};

/// Whether to wait.
#[derive(Clone, Copy, Debug)]
pub enum AddressWait {
    /// What is missing is an error.
    No,
    /// Waits, with a limit if there is one.
    Yes(Option<Nanos>),
}

impl AddressWait {
    /// As asked for on the command line, bounded by `--time`.
    pub fn when(asked: bool, time: Option<Nanos>) -> Self {
        if asked { Self::Yes(time) } else { Self::No }
    }

    /// Opens what `open` opens, as soon as this host has what it needs. `tell` is called with what
    /// is missing, whenever that is something else.
    ///
    /// # Errors
    ///
    /// Those of `open` that waiting does not mend, or the last one when the time is over.
    pub fn open<T>(
        self,
        mut open: impl FnMut() -> anyhow::Result<T>,
        mut tell: impl FnMut(String),
    ) -> anyhow::Result<T> {
        let Self::Yes(most) = self else { return open() };
        // Before the first attempt, so that no change is missed.
        let mut changes = InterfaceWait::begin(most)?;
        let mut told = None;
        loop {
            let error = match open() {
                Ok(opened) => return Ok(opened),
                Err(error) => error,
            };
            let Some(missing) = missing(&error) else { return Err(error) };
            if told.as_ref() != Some(&missing) {
                tell(missing.clone());
                told = Some(missing);
            }
            if !changes.wait()? {
                return Err(error);
            }
            name_zones(interface_names());
        }
    }
}

/// What this host lacks; `None` if an error has another reason.
fn missing(error: &anyhow::Error) -> Option<String> {
    let is_absent = |source: &std::io::Error| {
        matches!(source.errno(), Some(errno::EADDRNOTAVAIL | errno::ENODEV))
    };
    match error.downcast_ref::<NetError>()? {
        NetError::Bind { addr, source } if is_absent(source) => Some(addr.to_string()),
        NetError::Join { group, source } if is_absent(source) => Some(group.to_string()),
        NetError::Interface { name, .. } => Some(name.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bind(number: i32) -> anyhow::Error {
        let source = crate::sys::error_of(number);
        NetError::Bind { addr: "192.0.2.1:9".parse().unwrap(), source }.into()
    }

    #[test]
    fn only_what_this_host_lacks_is_waited_for_and_no_longer_than_asked() {
        let mut told = Vec::new();
        let wait = AddressWait::Yes(Some(Nanos::from_millis(1)));
        let absent = wait.open(|| Err::<(), _>(bind(errno::EADDRNOTAVAIL)), |what| told.push(what));
        assert!(absent.is_err());
        assert_eq!(told, ["192.0.2.1:9"]);
        let mut attempts = 0;
        let used = wait.open(
            || {
                attempts += 1;
                Err::<(), _>(bind(errno::EADDRINUSE))
            },
            |what| panic!("waits for {what}"),
        );
        assert!(used.is_err());
        let no = AddressWait::No.open(|| Err::<(), _>(bind(errno::EADDRNOTAVAIL)), |_| panic!());
        assert!(no.is_err());
        assert_eq!(attempts, 1);
    }
}
