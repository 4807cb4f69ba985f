//! Failures of this host, in the form that records use.

use super::StreamError;
use crate::net::NetError;
use crate::record::LocalFailure;
use crate::sys::{ErrorNumber, errno, unprivileged_port_start};

impl From<&NetError> for LocalFailure {
    fn from(error: &NetError) -> Self {
        match error {
            NetError::Bind { addr, source } => {
                let (address, errno) = (*addr, source.errno());
                match errno {
                    Some(errno::EADDRINUSE) => Self::InUse { address },
                    Some(errno::EACCES) if addr.port() < unprivileged_port_start() => {
                        Self::Privileged { address }
                    }
                    Some(errno::EADDRNOTAVAIL) => Self::NotLocal { address },
                    errno => Self::Bind { address, errno },
                }
            }
            NetError::Connect { addr, source } => {
                Self::Connect { address: *addr, errno: source.errno() }
            }
            NetError::Option { source, .. }
            | NetError::Join { source, .. }
            | NetError::Interfaces(source) => Self::SetUp { errno: source.errno() },
            NetError::Host { host, fault } => {
                Self::NameNotResolved { host: host.clone(), fault: fault.clone() }
            }
            NetError::Address { .. } | NetError::Interface { .. } => Self::SetUp { errno: None },
        }
    }
}

impl From<&StreamError> for LocalFailure {
    fn from(error: &StreamError) -> Self {
        match error {
            StreamError::Net(error) => error.into(),
            StreamError::Loop(source) => Self::Start { errno: source.errno() },
            StreamError::Broke(source) => Self::Broke { errno: source.errno() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::HostFault;

    #[test]
    fn the_systems_number_decides_what_is_told() {
        let address = "192.0.2.1:53".parse().unwrap();
        let bind = |errno| {
            let source = crate::sys::error_of(errno);
            LocalFailure::from(&NetError::Bind { addr: address, source })
        };
        assert_eq!(bind(errno::EADDRINUSE), LocalFailure::InUse { address });
        // Windows keeps no port to a privilege.
        let denied = if unprivileged_port_start() > 53 {
            LocalFailure::Privileged { address }
        } else {
            LocalFailure::Bind { address, errno: Some(errno::EACCES) }
        };
        assert_eq!(bind(errno::EACCES), denied);
        assert_eq!(bind(errno::EADDRNOTAVAIL), LocalFailure::NotLocal { address });
        let other = LocalFailure::Bind { address, errno: Some(errno::ENOMEM) };
        assert_eq!(bind(errno::ENOMEM), other);
        let (host, fault) = ("host.example".to_owned(), HostFault::NoIpv6);
        let error = NetError::Host { host: host.clone(), fault: fault.clone() };
        assert_eq!(LocalFailure::from(&error), LocalFailure::NameNotResolved { host, fault });
    }
}
