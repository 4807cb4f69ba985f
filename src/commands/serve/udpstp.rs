//! UDPSTP's port of a server, from its arguments.

use super::error::ServeUsage;
use super::local_address;
use crate::cli::ServeArgs;
use crate::commands::{Usage, udpstp_keys};
use crate::engine::UdpstpServerPlan;
use crate::units::Rate;
use crate::wire::udpstp::UDPSTP_PORT;
use std::net::SocketAddr;

/// The plan of the arguments for a server on `bind`; `None` without `--udpstp`.
pub fn plan(args: &ServeArgs, bind: SocketAddr) -> anyhow::Result<Option<UdpstpServerPlan>> {
    let Some(text) = &args.udpstp else { return Ok(None) };
    let (address, port) = local_address(text)?;
    let mut address = address.unwrap_or(bind);
    address.set_port(port.unwrap_or(UDPSTP_PORT));
    if address.port() == bind.port() && address.port() != 0 {
        return Err(Usage::from(ServeUsage::UdpstpOnOwnPort { port: bind.port() }).into());
    }
    let bandwidth = match args.udpstp_bandwidth {
        None => None,
        Some(Rate::Bits(bits)) if bits.0 > 0 => Some(bits),
        Some(_) => return Err(Usage::from(ServeUsage::UdpstpBandwidth).into()),
    };
    let keys = args.udpstp_keys.as_deref().map(udpstp_keys::read).transpose()?;
    Ok(Some(UdpstpServerPlan { bind: address, keys, bandwidth }))
}
