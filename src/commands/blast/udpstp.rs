//! A capacity test with a UDPSTP server: from arguments to a run and its report.

use super::error::{BlastError, BlastUsage};
use super::plan::bind_address;
use crate::batch::TxBatch;
use crate::cli::{BlastArgs, CapacityArg};
use crate::commands::misread::{check_hosts, check_zones, device};
use crate::commands::{Exit, Usage, udpstp_keys};
use crate::engine::{Loop, LoopConfig, Signals, random_u64};
use crate::net::{FamilyChoice, IoMode, Socket, SocketPlan, resolve_all};
use crate::record::{Document, UdpstpReport, Way, Worded};
use crate::report::words::udpstp::hint;
use crate::report::{
    self, Shown, UdpstpHeading, UdpstpView, print_foreign_json, print_json, tr181,
};
use crate::session::udpstp::{BATCH, ClientAuthentication, UdpstpClient, UdpstpPlan};
use crate::units::{Nanos, Rate, SizeChoice};
use crate::wire::tos;
use crate::wire::udpstp::{DirectionAsked, MOST_CONNECTIONS, Modifiers, TestParams, VERSION};

/// How often sockets are asked for what they dropped.
const TICK: Nanos = Nanos::from_millis(100);
/// Lengths of a test.
const LEAST_TIME: Nanos = Nanos::from_secs(5);
const MOST_TIME: Nanos = Nanos::from_secs(3_600);
const DEFAULT_TIME: Nanos = Nanos::from_secs(10);
/// Payload of datagrams up to 1 Gbit/s.
const SIZES: [u64; 2] = [1_222, 1_472];
/// Most Mbit/s that can be stated.
const MOST_MBPS: u64 = 32_767;

/// Runs `blast --udpstp`.
pub fn run(args: &BlastArgs) -> anyhow::Result<Exit> {
    let plan = plan(args)?;
    let sockets = sockets(args, &plan)?;
    let json = args.json || args.udpstp.tr181;
    let view = UdpstpView::new(&heading(&plan), Shown { quiet: args.quiet, json });
    let signals = Signals::listen().map_err(BlastError::Signals)?;
    let config = LoopConfig { tick: Some(TICK), ..LoopConfig::default() };
    let client = UdpstpClient::new(plan, view);
    let ended =
        Loop::new(sockets, Some(signals), config)?.run(client, TxBatch::new(BATCH.0, BATCH.1))?;
    let (summary, mut view) = (ended.summary.report, ended.summary.sink);
    if args.udpstp.tr181 {
        print_foreign_json(&tr181(&summary));
    } else if args.json {
        print_json(&Document::new("blast --udpstp", &summary));
    } else {
        view.finish(&summary);
    }
    Ok(match &summary.failure {
        None => Exit::Done,
        Some(failure) => {
            report::error(failure.text(), hint(failure));
            Exit::Failed
        }
    })
}

/// Everything that is decided before the first datagram.
fn plan(args: &BlastArgs) -> anyhow::Result<UdpstpPlan> {
    let params = params(args).map_err(Usage::from)?;
    let size = match &args.size {
        None => SIZES[0],
        Some(SizeChoice::One(size)) if SIZES.contains(&size.0) => size.0,
        Some(choice) => {
            let size = choice.to_string();
            return Err(Usage::from(BlastUsage::UdpstpSize { size }).into());
        }
    };
    let most = u32::from(MOST_CONNECTIONS);
    let streams = args.streams.unwrap_or(1);
    if !(1..=most).contains(&streams) {
        return Err(Usage::from(BlastUsage::Streams { streams, most }).into());
    }
    let bandwidth_mbps = bandwidth(args.rate()).map_err(Usage::from)?;
    let text = args.target.as_deref().ok_or_else(|| Usage::from(BlastUsage::NoTarget))?;
    check_hosts(&[text.to_owned()]).map_err(Usage::from)?;
    let authentication = authentication(args)?;
    let found = resolve_all(text, Some(args.port), FamilyChoice::from(args.family))?;
    let sendable =
        |addr: &&std::net::SocketAddr| bind_address(args.bind.as_deref(), **addr).is_ok();
    let target = *found.addrs.iter().find(sendable).unwrap_or(&found.addrs[0]);
    check_zones(&[target], device(args.interface.as_deref())?).map_err(Usage::from)?;
    let seed = random_u64()?;
    Ok(UdpstpPlan {
        target,
        version: VERSION,
        direction: if args.reverse { DirectionAsked::Downstream } else { DirectionAsked::Upstream },
        connections: streams as u8,
        ident: (seed as u16).max(1),
        bandwidth_mbps,
        modifiers: Modifiers { jumbo: !args.udpstp.no_jumbo, traditional_mtu: size == SIZES[1] },
        params,
        authentication,
        patience: args.wait,
        seed,
    })
}

fn params(args: &BlastArgs) -> Result<TestParams, BlastUsage> {
    let time = args.time.unwrap_or(DEFAULT_TIME);
    if !(LEAST_TIME..=MOST_TIME).contains(&time) || !time.0.is_multiple_of(1_000_000_000) {
        return Err(BlastUsage::UdpstpTime { time });
    }
    Ok(TestParams {
        time_s: (time.0 / 1_000_000_000) as u16,
        tos: tos(args.dscp.unwrap_or_default(), args.ecn.unwrap_or_default()),
        algorithm: match args.capacity {
            Some(CapacityArg::B) | None => 0,
            Some(CapacityArg::C) => 1,
        },
        ..TestParams::default()
    })
}

/// Mbit/s to state; 0 for none.
fn bandwidth(rate: Rate) -> Result<u16, BlastUsage> {
    match rate {
        Rate::Max => Ok(0),
        Rate::Bits(bits) if (1..=MOST_MBPS).contains(&(bits.0 / 1_000_000)) => {
            Ok((bits.0 / 1_000_000) as u16)
        }
        _ => Err(BlastUsage::UdpstpRate { rate }),
    }
}

fn authentication(args: &BlastArgs) -> anyhow::Result<Option<ClientAuthentication>> {
    let Some(file) = &args.udpstp.udpstp_keys else { return Ok(None) };
    let keys = udpstp_keys::read(file)?;
    let key_id = args.udpstp.key_id.or(keys.first()).unwrap_or(0);
    match keys.key(key_id) {
        Some(key) => Ok(Some(ClientAuthentication { key_id, key: key.clone() })),
        None => Err(Usage::from(BlastUsage::UdpstpKey { key_id, file: file.clone() }).into()),
    }
}

/// A socket for each connection.
fn sockets(args: &BlastArgs, plan: &UdpstpPlan) -> anyhow::Result<Vec<Socket>> {
    let bind = bind_address(args.bind.as_deref(), plan.target)?;
    if bind.port() != 0 && plan.connections > 1 {
        let port = bind.port();
        return Err(Usage::from(BlastUsage::UdpstpBindPort { port }).into());
    }
    let io = IoMode::from(args.io);
    let socket = SocketPlan {
        device: device(args.interface.as_deref())?,
        details: true,
        accounting: true,
        gro: io.coalesces() && !args.no_gro,
        io,
        buffer: args.socket_buffer.0 as usize / usize::from(plan.connections.max(1)),
        ..SocketPlan::new(bind)
    };
    let all = (0..plan.connections).map(|_| socket.open());
    Ok(all.collect::<Result<_, _>>()?)
}

fn heading(plan: &UdpstpPlan) -> UdpstpHeading {
    let asked = UdpstpReport {
        direction: match plan.direction {
            DirectionAsked::Upstream => Way::Up,
            DirectionAsked::Downstream => Way::Down,
        },
        connections: plan.connections,
        payload_bytes: if plan.modifiers.traditional_mtu { 1_472 } else { 1_222 },
        ..UdpstpReport::default()
    };
    let time = Nanos::from_secs(u64::from(plan.params.time_s));
    UdpstpHeading { target: plan.target.into(), asked, time }
}
