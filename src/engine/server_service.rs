//! What a server is to its operator while it runs: its service manager, and the files that it reads
//! again.

use super::{Handle, ServiceManager};
use crate::record::{LogLevel, ReloadFailure};
use crate::session::serve::{ServeOrder, ServeReload, StreamReport};
use crate::session::udpstp::UdpstpOrder;
use crate::sys;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::Sender;

type ReadFiles = dyn Fn() -> Result<ServeReload, ReloadFailure> + Send + Sync;

/// Reads the files of a server again.
#[derive(Clone)]
pub struct ServeFiles(Arc<ReadFiles>);

impl ServeFiles {
    /// What `read` reads.
    pub fn new(
        read: impl Fn() -> Result<ServeReload, ReloadFailure> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(read))
    }

    /// Reads all of them; or says which one cannot be read.
    pub(super) fn read(&self) -> Result<ServeReload, ReloadFailure> {
        (self.0)()
    }
}

impl fmt::Debug for ServeFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServeFiles(…)")
    }
}

/// What a server is to its operator. By default it has no files, and tells nobody.
#[derive(Clone, Debug, Default)]
pub struct ServicePlan {
    /// Whom to tell that it is ready, reloads, ends and lives.
    pub manager: ServiceManager,
    /// What it reads on SIGHUP, once its privileges are dropped; `None` for nothing.
    pub files: Option<ServeFiles>,
    /// The directories of these files: the process can read no others.
    pub readable: Vec<PathBuf>,
    /// The least serious events that are logged.
    pub log_level: LogLevel,
}

/// The same for a server that runs.
#[derive(Debug)]
pub(super) struct ServerService {
    manager: ServiceManager,
    files: Option<ServeFiles>,
    /// Where iperf3's port is told of it, and the loop that serves it.
    iperf3: Option<(Sender<ServeOrder>, Handle)>,
    /// UDPSTP's port, likewise.
    udpstp: Option<(Sender<UdpstpOrder>, Handle)>,
}

impl ServerService {
    /// As planned, beside iperf3's port if there is one.
    pub fn new(plan: &ServicePlan, iperf3: Option<(Sender<ServeOrder>, Handle)>) -> Self {
        Self { manager: plan.manager.clone(), files: plan.files.clone(), iperf3, udpstp: None }
    }

    /// The same beside UDPSTP's port, if there is one.
    #[must_use]
    pub fn beside_udpstp(self, udpstp: Option<(Sender<UdpstpOrder>, Handle)>) -> Self {
        Self { udpstp, ..self }
    }

    /// Reads the files again; `None` without any.
    pub fn reload(&self) -> Option<StreamReport> {
        self.manager.reloading(sys::monotonic_now());
        Some(match self.files.as_ref()?.read() {
            Ok(mut reload) => {
                let policy = Box::new(reload.policy.clone());
                self.tell_udpstp(UdpstpOrder::Reloaded(policy, reload.udpstp_keys.clone()));
                if self.iperf3.is_some() {
                    // Half of it is for iperf3's clients.
                    reload.policy.max_memory /= 2;
                }
                let reload = Box::new(reload);
                self.tell_iperf3(StreamReport::Reloaded(reload.clone()));
                StreamReport::Reloaded(reload)
            }
            Err(failure) => StreamReport::NotReloaded(failure),
        })
    }

    /// The reload is over.
    pub fn reloaded(&self) {
        self.manager.ready();
    }

    /// The server ends once its sessions have.
    pub fn drain(&self) {
        self.manager.stopping();
        self.tell_iperf3(StreamReport::Drain);
        self.tell_udpstp(UdpstpOrder::Drain);
    }

    fn tell_udpstp(&self, news: UdpstpOrder) {
        if let Some((orders, handle)) = &self.udpstp {
            let _ = orders.send(news);
            handle.wake();
        }
    }

    fn tell_iperf3(&self, news: StreamReport) {
        if let Some((orders, handle)) = &self.iperf3 {
            let _ = orders.send(ServeOrder { session: 0, stream: 0, news });
            handle.wake();
        }
    }
}
