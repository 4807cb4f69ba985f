//! `udpkit --version -v`: what this build can do on this system, as far as a look tells.

use super::facts;
use crate::batch::{
    Capability, Convenience, DestId, RefusedConvenience, RxCall, TxBatch, refused_conveniences,
};
use crate::net::{IoMode, NetError, SocketPlan, capabilities};
use crate::record::{CapabilityRow, CapabilityState, SystemFacts};
use crate::report;
use std::net::Ipv4Addr;

/// Datagrams that are sent to see whether they are segmented by the system.
const TRIED: usize = 4;

/// The text.
pub fn verbose_version() -> String {
    // What cannot be tried is as the kind of system has it.
    let tried = try_sockets().unwrap_or_default();
    let can = capabilities(IoMode::Auto);
    let refused = refused_conveniences();
    let rows = Capability::ALL.map(|what| {
        let state = if !can.has(what) || tried.lacks(what) {
            CapabilityState::Lacking
        } else {
            let found = refused.iter().find(|one| is_of(**one, what) && !one.is_lacking);
            found.map_or(CapabilityState::Present, |one| CapabilityState::Refused {
                errno: one.errno,
            })
        };
        CapabilityRow { what, state }
    });
    report::system_facts(&SystemFacts { run: facts(), capabilities: rows.to_vec() })
}

/// What a look at a pair of sockets found.
#[derive(Default)]
struct Tried {
    one_per_call: bool,
    unsegmented: bool,
}

impl Tried {
    fn lacks(&self, what: Capability) -> bool {
        match what {
            Capability::ManyPerCall => self.one_per_call,
            Capability::Segmentation => self.unsegmented,
            _ => false,
        }
    }
}

/// Sends a few datagrams from one socket of this host to another that asks for everything.
fn try_sockets() -> Result<Tried, NetError> {
    let plan = SocketPlan::new((Ipv4Addr::LOCALHOST, 0).into());
    let receiver = SocketPlan {
        details: true,
        accounting: true,
        marks: true,
        gro: true,
        transmit_stamps: true,
        ..plan.clone()
    };
    let receiver = receiver.open()?;
    let connect = Some(receiver.local_addr());
    let mut sender = SocketPlan { connect, ..plan }.open()?;
    let mut batch = TxBatch::new(TRIED, TRIED * 100);
    for _ in 0..TRIED {
        batch.push(DestId::CONNECTED, 100);
    }
    sender.send(&batch, 0..TRIED);
    let one_per_call = !receiver.receives_many() && receiver.io_used().rx == RxCall::Plain;
    Ok(Tried { one_per_call, unsegmented: !sender.io_used().segmented })
}

/// Whether the refusal of an option is that of a capability.
fn is_of(refused: RefusedConvenience, what: Capability) -> bool {
    let of = match refused.what {
        Convenience::NetworkErrors => Capability::NetworkErrors,
        Convenience::ReceiveTimeStamps => Capability::ReceiveTimeStamps,
        Convenience::TransmitTimeStamps => Capability::TransmitTimeStamps,
        Convenience::SocketDrops => Capability::SocketDrops,
        Convenience::CoalescedReceive => Capability::CoalescedReceive,
        Convenience::PacketInfo => Capability::PacketInfo,
        Convenience::TimeToLive => Capability::TimeToLive,
        Convenience::TrafficClass => Capability::TrafficClass,
        Convenience::Marks => Capability::Marks,
        Convenience::FragmentSizes => Capability::FragmentSizes,
        Convenience::DontFragment => Capability::DontFragment,
        Convenience::ExactTimer => Capability::ExactTimer,
        Convenience::Processors => Capability::Processors,
        Convenience::TimerSlack | Convenience::SocketBuffers => return false,
    };
    of == what
}
