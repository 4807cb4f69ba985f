//! What a running server reads again: its key, its iperf3 users, its UDPSTP keys, its policy; all or nothing.

use super::iperf3_users;
use super::limits::Limits;
use super::policy_file::PolicyFile;
use crate::cli::ServeArgs;
use crate::commands::{key, udpstp_keys};
use crate::engine::ServeFiles;
use crate::record::{ReloadFailure, ReloadFile};
use crate::report::words::serve as words;
use crate::session::serve::ServeReload;
use crate::wire::ControlKey;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The files of a server.
pub(super) struct Files(Vec<(ReloadFile, PathBuf)>);

impl Files {
    /// Those that the arguments name.
    pub fn of(args: &ServeArgs) -> Self {
        let key = key::file(args.key.as_deref());
        let users = [&args.iperf3_key, &args.iperf3_users].into_iter().flatten().cloned();
        let users = users.map(|file| (ReloadFile::Iperf3Users, file));
        let keys = args.udpstp_keys.clone().map(|file| (ReloadFile::UdpstpKeys, file));
        let users = users.chain(keys);
        let policy = args.policy.clone().map(|file| (ReloadFile::Policy, file));
        let key = key.map(|file| (ReloadFile::Key, file));
        Self(key.into_iter().chain(users).chain(policy).collect())
    }

    /// Whether there is anything to be read again.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Their directories, as they are named and where that leads: the name may be a link's.
    pub fn directories(&self) -> Vec<PathBuf> {
        let mut all: Vec<PathBuf> = Vec::new();
        for (_, file) in &self.0 {
            let named = std::path::absolute(file).ok();
            let meant = std::fs::canonicalize(file).ok();
            let folders = [named, meant].into_iter().flatten();
            all.extend(folders.filter_map(|path| path.parent().map(Path::to_owned)));
        }
        all.sort_unstable();
        all.dedup();
        all
    }

    /// What reads them again, for a server with these arguments.
    pub fn reader(self, args: Arc<ServeArgs>) -> ServeFiles {
        ServeFiles::new(move || self.read(&args))
    }

    fn read(&self, args: &ServeArgs) -> Result<ServeReload, ReloadFailure> {
        for (code, file) in &self.0 {
            // A pipe has been read; another one would be waited for.
            if std::fs::metadata(file).is_ok_and(|known| !known.is_file()) {
                return Err(ReloadFailure { code: *code, reason: words::no_regular_file(file) });
            }
        }
        let failed =
            |code| move |error: anyhow::Error| ReloadFailure { code, reason: format!("{error:#}") };
        let key: Option<ControlKey> =
            key::read(args.key.as_deref()).map_err(failed(ReloadFile::Key))?;
        let users = iperf3_users::read(args).map_err(failed(ReloadFile::Iperf3Users))?;
        let udpstp_keys = args.udpstp_keys.as_deref().map(udpstp_keys::read).transpose();
        let udpstp_keys = udpstp_keys.map_err(failed(ReloadFile::UdpstpKeys))?;
        let file = PolicyFile::read(args.policy.as_deref()).map_err(failed(ReloadFile::Policy))?;
        let limits = Limits::of(args, &file);
        let limits = limits.map_err(|error| failed(ReloadFile::Policy)(error.into()))?;
        let Limits { policy, stamp_rate, stun_rate } = limits;
        let mut files: Vec<ReloadFile> = self.0.iter().map(|(file, _)| *file).collect();
        files.dedup();
        Ok(ServeReload { files, policy, key, stamp_rate, stun_rate, users, udpstp_keys })
    }
}
